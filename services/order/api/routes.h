/* The HTTP routes of the order service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/route.h"

/** Lanes, and what the context of each is. */
enum {
    ORDER_WRITES, /* OrderStore */
    ORDER_READS,  /* OrderReads */
    ORDER_LISTS,  /* OrderReads */
};

extern const ChHttpRouteTable order_routes;
