/* The HTTP routes of the order service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/route.h"

/** The lanes of its table. */
enum {
    ORDER_WRITES,
    ORDER_READS,
    ORDER_LISTS,
    ORDER_PRICES,
    ORDER_ERASURES,
    ORDER_FAILURES,
    ORDER_LETTERS,
    ORDER_CONTROLS,
};

extern const ChHttpRouteTable order_routes;
