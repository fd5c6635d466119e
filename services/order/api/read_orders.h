/* ChHttpHandlers that read orders; the context is the lane's: OrderLists of the list, OrderLookups
 * of the others. */
#pragma once

#include "chassis/http/request.h"
#include "order/application/orders.h"

/** Fills asked[] with the orders that the paths of requests[0..n) name (`{id}`), and askers[] with
 * who asks for each; the others are answered. Returns how many. */
size_t order_api_take_asked(ChHttpRequest *const *requests, size_t n, OrderAsked *asked,
                            ChHttpRequest **askers);

/** GET /api/orders */
bool order_api_list(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/orders/{id}; with `wait` it may leave its answer to order_api_look_again(). */
bool order_api_get(void *lookups, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/orders/{id}/history */
bool order_api_history(void *lookups, ChHttpRequest *const *requests, size_t n, GError **error);
