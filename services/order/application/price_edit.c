/* Prices are locked once, changed in memory, and every version of them saved. */
#include "order/application/price_edit.h"

#include "chassis/core/time.h"

#include <string.h>

static bool is_the_same(const OrderPriceEdit *edit, const OrderPrice *price)
{
    return price->unit_price == edit->unit_price && strcmp(price->currency, edit->currency) == 0;
}

/* What an edit makes of a price, which is untouched unless it is CREATED or CHANGED. */
static OrderPriceResult apply(const OrderPriceEdit *edit, int64_t now_us, OrderPrice *price)
{
    if (!price->listed && edit->is_deletion)
        return ORDER_PRICE_UNKNOWN;
    if (price->listed ? !ch_expected_allows(&edit->expected, price->version) : edit->must_be_listed)
        return ORDER_PRICE_STALE;
    if (!edit->is_deletion && price->listed && is_the_same(edit, price))
        return ORDER_PRICE_UNCHANGED;
    OrderPriceResult result = price->listed ? ORDER_PRICE_CHANGED : ORDER_PRICE_CREATED;
    price->listed = !edit->is_deletion;
    price->unit_price = edit->unit_price;
    memcpy(price->currency, edit->currency, sizeof price->currency);
    price->version++;
    price->changed_us = now_us;
    return result;
}

bool order_edit_prices(OrderPrices *store, const OrderPriceEdit *edits, size_t n,
                       OrderPriceOutcome *outcomes, GError **error)
{
    g_auto(OrderPriceTable) table = { .n = 0 };
    g_autoptr(GArray) products = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    g_autoptr(GArray) versions = g_array_new(FALSE, FALSE, sizeof(OrderPrice));
    int64_t now_us = ch_time_now_us();
    for (size_t i = 0; i < n; i++)
        g_array_append_val(products, edits[i].product_id);
    order_price_table_init(&table, products);
    if (table.n > 0 && !store->ops->lock(store, table.prices, table.n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        OrderPrice *price = order_price_table_get(&table, edits[i].product_id);
        outcomes[i].before = *price;
        outcomes[i].result = apply(&edits[i], now_us, price);
        outcomes[i].price = *price;
        if (outcomes[i].result == ORDER_PRICE_CREATED || outcomes[i].result == ORDER_PRICE_CHANGED)
            g_array_append_val(versions, *price);
    }
    return versions->len == 0 || store->ops->save(store, (const OrderPrice *)(void *)versions->data,
                                                  versions->len, error);
}
