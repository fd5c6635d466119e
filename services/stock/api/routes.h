/* The HTTP routes of the stock service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/route.h"

/** Lanes, and what the context of each is. */
enum {
    STOCK_WRITES, /* StockStore */
    STOCK_READS,  /* StockReads */
    STOCK_LISTS,  /* StockReads */
};

extern const ChHttpRouteTable stock_routes;
