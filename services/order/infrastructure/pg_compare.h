/* Comparing with other services, on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/compare.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with
 * order_compare_store_free(). */
OrderCompareStore *order_pg_compare_new(ChPg *pg);
