/* ChHttpHandlers that read stock; the context is the lane's StockReads. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/stocks */
bool stock_api_list(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/stocks/{productId} */
bool stock_api_get(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/stocks/{productId}/movements */
bool stock_api_movements(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
