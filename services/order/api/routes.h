/* The HTTP routes of the order service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/route.h"

/** Lanes; the context of each is its OrderStore. */
enum {
    ORDER_WRITES,
    ORDER_READS,
};

extern const ChHttpRouteTable order_routes;
