/* The versions, in the order in which they were made. */
#include "memory_prices.h"

OrderPrice memory_prices_get(const MemoryPrices *prices, ChUuid product_id)
{
    OrderPrice present = { .product_id = product_id };
    for (guint i = 0; i < prices->versions->len; i++) {
        OrderPrice version = g_array_index(prices->versions, OrderPrice, i);
        if (ch_uuid_equal(version.product_id, product_id))
            present = version;
    }
    return present;
}

static bool lock(OrderPrices *self, OrderPrice *prices, size_t n, GError **error)
{
    MemoryPrices *store = (MemoryPrices *)self;
    if (!store_called(&store->calls, "lock", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0) /* they are distinct */
            g_assert_cmpint(ch_uuid_compare(prices[i - 1].product_id, prices[i].product_id), <, 0);
        prices[i] = memory_prices_get(store, prices[i].product_id);
    }
    return true;
}

static bool save(OrderPrices *self, const OrderPrice *versions, size_t n, GError **error)
{
    MemoryPrices *store = (MemoryPrices *)self;
    if (!store_called(&store->calls, "save", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        OrderPrice present = memory_prices_get(store, versions[i].product_id);
        g_assert_cmpint(versions[i].version, ==, present.version + 1);
        g_array_append_val(store->versions, versions[i]);
    }
    return true;
}

static void free_store(OrderPrices *self)
{
    memory_prices_free((MemoryPrices *)self);
}

static const OrderPricesOps memory_prices_ops = {
    .lock = lock,
    .save = save,
    .free = free_store,
};

MemoryPrices *memory_prices_new(void)
{
    MemoryPrices *store = g_new0(MemoryPrices, 1);
    store->base.ops = &memory_prices_ops;
    store->versions = g_array_new(FALSE, FALSE, sizeof(OrderPrice));
    store_calls_init(&store->calls);
    return store;
}

void memory_prices_free(MemoryPrices *store)
{
    if (store == NULL)
        return;
    g_array_unref(store->versions);
    store_calls_clear(&store->calls);
    g_free(store);
}
