/* Some products' prices, sorted. */
#include "order/application/price.h"

#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
    return ch_uuid_compare(*(const ChUuid *)a, *(const ChUuid *)b);
}

static int compare_price(const void *id, const void *price)
{
    return ch_uuid_compare(*(const ChUuid *)id, ((const OrderPrice *)price)->product_id);
}

void order_price_table_init(OrderPriceTable *table, GArray *ids)
{
    g_array_sort(ids, compare_ids);
    *table = (OrderPriceTable){ .prices = g_new0(OrderPrice, ids->len) };
    for (guint i = 0; i < ids->len; i++) {
        ChUuid id = g_array_index(ids, ChUuid, i);
        if (table->n == 0 || !ch_uuid_equal(table->prices[table->n - 1].product_id, id))
            table->prices[table->n++].product_id = id;
    }
}

OrderPrice *order_price_table_get(const OrderPriceTable *table, ChUuid product_id)
{
    OrderPrice *price =
        bsearch(&product_id, table->prices, table->n, sizeof *table->prices, compare_price);
    g_assert(price != NULL);
    return price;
}

void order_price_table_clear(OrderPriceTable *table)
{
    g_free(table->prices);
}
