/* ChHttpHandlers that read orders; the context is the lane's: OrderLists of the list, OrderLookups
 * of the others. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/orders */
bool order_api_list(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/orders/{id}; with `wait` it may leave its answer to order_api_look_again(). */
bool order_api_get(void *lookups, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/orders/{id}/history */
bool order_api_history(void *lookups, ChHttpRequest *const *requests, size_t n, GError **error);
