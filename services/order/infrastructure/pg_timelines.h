/* The steps of orders, in SQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

/** As OrderReadsOps.timelines. */
CH_MUST_CHECK bool order_pg_timelines(ChPg *pg, const OrderAsked *asked, size_t n,
                                      OrderTimeline **found, GError **error);
