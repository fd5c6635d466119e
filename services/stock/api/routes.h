/* The HTTP routes of the stock service (docs/contract.md, 2). */
#pragma once

#include "chassis/http/router.h"
#include "stock/application/ports.h"

enum {
    STOCK_ROUTES_N = 7
};

/** Fills @routes. @writes is served by the lane that owns @write_store, @reads by that of
 * @read_store; all are borrowed. */
void stock_routes(ChHttpQueue *writes, StockStore *write_store, ChHttpQueue *reads,
                  StockStore *read_store, ChHttpRoute routes[STOCK_ROUTES_N]);
