/* The HTTP routes of the stock service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/route.h"

/** Lanes; the context of each is its StockStore. */
enum {
    STOCK_WRITES,
    STOCK_READS,
};

extern const ChHttpRouteTable stock_routes;
