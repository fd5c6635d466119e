/* The one look that both who changes orders and who shows them take. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/orders.h"

/** found[i] is the status of the order asked[i]; 0: there is no such order. Errors: as a port's. */
CH_MUST_CHECK bool order_pg_statuses(ChPg *pg, const OrderAsked *asked, size_t n,
                                     OrderStatus *found, GError **error);
