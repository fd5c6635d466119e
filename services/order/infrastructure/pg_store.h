/* What the use cases change of orders, on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with order_pg_store_free().
 */
OrderStore *order_pg_store_new(ChPg *pg);

/** The same for a lane that rolls back what it does: no metric counts it. */
OrderStore *order_pg_trial_store_new(ChPg *pg);
