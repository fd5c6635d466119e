/* Releasing what an order holds over HTTP; the context is the StockStore. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/stocks/orders/{id}/release */
bool stock_api_release(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
