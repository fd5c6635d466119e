/* The prices of the list are read once a batch, and taken into the orders. */
#include "order/application/pricing.h"

#include <string.h>

void order_pricing_products(const OrderPlacement *const *placements, size_t n,
                            OrderPriceTable *table)
{
    g_autoptr(GArray) products = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < placements[i]->n_items; k++) {
            if (!placements[i]->items[k].is_priced)
                g_array_append_val(products, placements[i]->items[k].product_id);
        }
    }
    order_price_table_init(table, products);
}

static void G_GNUC_PRINTF(3, 4)
    refuse(ChViolations **violations, size_t item, const char *format, ...)
{
    char path[sizeof "items[].productId" + 20];
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (*violations == NULL)
        *violations = ch_violations_new();
    g_snprintf(path, sizeof path, "items[%zu].productId", item);
    ch_violations_add(*violations, path, "%s", message);
}

/* Without a price in the list an item is free, where the rule of the order allows that. */
static void take_price(OrderPlacement *placement, size_t i, const OrderPrice *price,
                       ChViolations **violations)
{
    OrderItem *item = &placement->items[i];
    item->unit_price = 0;
    if (!price->listed) {
        if (placement->pricing == ORDER_PRICES_OF_LIST)
            refuse(violations, i, "has no price");
    } else if (strcmp(price->currency, placement->currency) != 0) {
        refuse(violations, i, "has a price in %s, and the order is in %s", price->currency,
               placement->currency);
    } else {
        item->unit_price = price->unit_price;
    }
}

ChViolations *order_pricing_apply(OrderPlacement *placement, const OrderPriceTable *table)
{
    g_autoptr(ChViolations) violations = NULL;
    bool took = false;
    for (size_t i = 0; i < placement->n_items; i++) {
        if (placement->items[i].is_priced)
            continue;
        take_price(placement, i, order_price_table_get(table, placement->items[i].product_id),
                   &violations);
        took = true;
    }
    if (took && violations == NULL &&
        !order_total(placement->items, placement->n_items, &placement->total)) {
        violations = ch_violations_new();
        ch_violations_add(violations, "items", ORDER_TOTAL_VIOLATION);
    }
    return g_steal_pointer(&violations);
}
