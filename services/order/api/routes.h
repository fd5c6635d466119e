/* The HTTP routes of the order service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/router.h"
#include "order/application/ports.h"

enum {
    ORDER_ROUTES_N = 5
};

/** Fills @routes. @writes is served by the lane that owns @write_store, @reads by that of
 * @read_store; all are borrowed. */
void order_routes(ChHttpQueue *writes, OrderStore *write_store, ChHttpQueue *reads,
                  OrderStore *read_store, ChHttpRoute routes[ORDER_ROUTES_N]);
