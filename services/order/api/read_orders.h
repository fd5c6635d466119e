/* ChHttpHandlers that read orders; the context is the lane's OrderReads. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/orders */
bool order_api_list(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/orders/{id} */
bool order_api_get(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/orders/{id}/history */
bool order_api_history(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
