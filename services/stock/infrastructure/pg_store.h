/* What the use cases change of stock, on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "stock/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with stock_store_free(). */
StockStore *stock_pg_store_new(ChPg *pg);
