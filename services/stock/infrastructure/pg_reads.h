/* What clients look at of stock, on PostgreSQL. */
#pragma once

#include "chassis/postgres/connection.h"
#include "stock/application/ports.h"

/** On @pg, which it borrows; for the lane that owns @pg. Free with stock_reads_free(). */
StockReads *stock_pg_reads_new(ChPg *pg);
