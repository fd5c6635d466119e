/* The watch over stuck orders on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/watch.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with
 * order_watch_store_free(). */
OrderWatchStore *order_pg_watch_new(ChPg *pg);
