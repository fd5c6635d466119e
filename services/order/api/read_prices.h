/* ChHttpHandlers that read the price list; the context is the lane's: OrderLookups of a single one,
 * OrderLists of the others. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/prices */
bool order_api_list_prices(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/prices/{productId} */
bool order_api_get_price(void *lookups, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/prices/{productId}/versions */
bool order_api_list_price_versions(void *lists, ChHttpRequest *const *requests, size_t n,
                                   GError **error);
