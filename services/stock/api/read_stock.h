/* ChHttpHandlers that read stock; the context is the lane's: StockLists of the lists,
 * StockReads of a single one. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/stocks */
bool stock_api_list(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/stocks/{productId} */
bool stock_api_get(void *store, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/stocks/{productId}/movements */
bool stock_api_movements(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);
