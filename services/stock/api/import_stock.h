/* The ChHttpHandler of imports; the context is the lane's StockStore. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/stocks/import */
bool stock_api_import(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
