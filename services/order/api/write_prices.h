/* ChHttpHandlers that change the price list; the context is the lane's OrderPrices. */
#pragma once

#include "chassis/http/request.h"

/** PUT /api/prices/{productId} */
bool order_api_set_price(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** DELETE /api/prices/{productId} */
bool order_api_delete_price(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
