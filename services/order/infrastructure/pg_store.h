/* What the use cases change of orders, on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with order_pg_store_free().
 */
OrderStore *order_pg_store_new(ChPg *pg);
