/* What the items of new orders cost that name no price. */
#pragma once

#include "chassis/core/violations.h"
#include "order/application/price.h"

/** Makes @table one of the products whose price is to be the list's. Clear it with
 * order_price_table_clear(). */
void order_pricing_products(const OrderPlacement *const *placements, size_t n,
                            OrderPriceTable *table);

/** Gives the items of @placement that name no price those of @table, and sums them up. NULL when
 * the order may be placed; else the new violations, which name the items. */
ChViolations *order_pricing_apply(OrderPlacement *placement, const OrderPriceTable *table);
