/* What grows old of orders, on PostgreSQL. */
#pragma once

#include "chassis/postgres/connection.h"
#include "order/application/ports.h"

/** On @pg, which it borrows; for the lane that owns @pg. Free with order_upkeep_free(). */
OrderUpkeep *order_pg_upkeep_new(ChPg *pg);
