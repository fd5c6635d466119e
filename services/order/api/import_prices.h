/* The ChHttpHandler of imports; the context is the lane's OrderPrices. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/prices/import */
bool order_api_import_prices(void *store, ChHttpRequest *const *requests, size_t n, GError **error);
