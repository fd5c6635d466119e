/* The prices of products: what orders cost that name none of their own. */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/uuid.h"
#include "order/application/orders.h"

#include <glib.h>

/** The price of a product. A deleted one keeps its versions, so that no version comes twice. */
typedef struct {
    ChUuid product_id;
    bool listed;          /* false: there is none, not yet or no longer */
    ChDecimal unit_price; /* of a listed one, as the currency */
    char currency[ORDER_CURRENCY_BYTES];
    int64_t version; /* 1, 2, 3, ...; 0: there never was one */
    int64_t changed_us;
} OrderPrice;

/** The prices of some products, each product once. Clear with order_price_table_clear(). */
typedef struct {
    OrderPrice *prices; /* n, ascending by product */
    size_t n;
} OrderPriceTable;

/** Makes @table one of the products of @ids (a GArray of ChUuid, sorted here), with no prices yet.
 */
void order_price_table_init(OrderPriceTable *table, GArray *ids);

/** The price of @product_id, which must be among those of @table. */
OrderPrice *order_price_table_get(const OrderPriceTable *table, ChUuid product_id);

void order_price_table_clear(OrderPriceTable *table);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OrderPriceTable, order_price_table_clear)
