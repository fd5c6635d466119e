/* ChHttpHandlers that change orders; the context is the lane's OrderWrites. */
#pragma once

#include "chassis/http/request.h"
#include "order/application/ports.h"

/** What the lane writes with; borrowed. */
typedef struct {
    OrderStore *store;
    OrderReads *reads; /* on the same connection */
    int64_t open_max;  /* open orders of a customer who places them himself; 0: any number */
} OrderWrites;

/** POST /api/orders */
bool order_api_place(void *writes, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/orders/{id}/cancel */
bool order_api_cancel(void *writes, ChHttpRequest *const *requests, size_t n, GError **error);
