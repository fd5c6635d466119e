/* ChHttpHandlers that change orders; the context is the lane's OrderStore. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/orders */
bool order_api_place(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/orders/{id}/cancel */
bool order_api_cancel(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
