/* The price list on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

/** The list's writer on @pg, which it borrows; for the lane that owns @pg. Free with
 * order_prices_free(). */
OrderPrices *order_pg_prices_new(ChPg *pg);

/** The question for the prices of prices[0..n).product_id, and what fills the rest from its rows.
 */
ChPgParams *order_pg_find_prices(const OrderPrice *prices, size_t n);
void order_pg_take_prices(const ChPgRows *rows, OrderPrice *prices, size_t n);

/** As the slots of OrderReads that are called so. */
CH_MUST_CHECK bool order_pg_list_prices(ChPg *pg, const ChPage *pages, size_t n, GPtrArray **found,
                                        GError **error);
CH_MUST_CHECK bool order_pg_price_versions(ChPg *pg, const OrderPriceRange *ranges, size_t n,
                                           GPtrArray **pages, GError **error);
