/* What clients look at of orders, on PostgreSQL. */
#pragma once

#include "chassis/postgres/connection.h"
#include "order/application/ports.h"

/** On @pg, which it borrows; for the lane that owns @pg. Free with order_reads_free(). */
OrderReads *order_pg_reads_new(ChPg *pg);
