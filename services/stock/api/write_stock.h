/* ChHttpHandlers that change stock; the context is the lane's StockStore. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/stocks */
bool stock_api_create(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** PUT /api/stocks/{productId} */
bool stock_api_set(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/stocks/{productId}/adjustments */
bool stock_api_adjust(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** DELETE /api/stocks/{productId} */
bool stock_api_delete(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
