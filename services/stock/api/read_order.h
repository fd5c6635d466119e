/* A ChHttpHandler that tells what became of an order's stock; its context is the lane's StockLists.
 */
#pragma once

#include "chassis/http/request.h"

/** GET /api/stocks/orders/{id} */
bool stock_api_order(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);
