/* The HTTP routes of the stock service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/route.h"

/** The lanes of its table. */
enum {
    STOCK_WRITES,
    STOCK_READS,
    STOCK_LISTS,
    STOCK_IMPORTS,
    STOCK_ERASURES,
    STOCK_FAILURES,
    STOCK_LETTERS,
    STOCK_CONTROLS,
};

extern const ChHttpRouteTable stock_routes;
