/* Levels locked once, changed in memory, saved once; and items merged by product. */
#include "tests/stores/memory_stock.h"

#include "stock/application/levels.h"

static GArray *ids_of(const unsigned *products, size_t n)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    for (size_t i = 0; i < n; i++) {
        ChUuid id = fake_product(products[i]);
        g_array_append_val(ids, id);
    }
    return ids;
}

static void must_lock(MemoryStock *store, const unsigned *products, size_t n, StockLevels *levels)
{
    g_autoptr(GArray) ids = ids_of(products, n);
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_levels_lock(&store->base, ids, levels, &error));
    g_assert_no_error(error);
}

static void test_locks_ascending_and_once(void)
{
    g_autoptr(MemoryStock) store = memory_stock_new();
    g_auto(StockLevels) levels = { .n = 0 };
    memory_stock_put(store, fake_product(300), 3);
    must_lock(store, (const unsigned[]){ 300, 2, 300, 1, 2, 300 }, 6, &levels);
    g_assert_cmpstr(store->calls.text->str, ==, "lock(3) ");
    g_assert_cmpuint(levels.n, ==, 3);
    assert_same_id(levels.levels[0].product_id, fake_product(1));
    assert_same_id(levels.levels[2].product_id, fake_product(300));
    g_assert_cmpint(stock_levels_get(&levels, fake_product(300))->quantity, ==, 3);
    g_assert_true(stock_levels_get(&levels, fake_product(300))->exists);
    g_assert_false(stock_levels_get(&levels, fake_product(2))->exists);
}

static void test_saves_only_what_changed(void)
{
    g_autoptr(MemoryStock) store = memory_stock_new();
    g_auto(StockLevels) levels = { .n = 0 };
    g_autoptr(GError) error = NULL;
    for (unsigned i = 1; i <= 4; i++)
        memory_stock_put(store, fake_product(i), 10);
    must_lock(store, (const unsigned[]){ 1, 2, 3, 4 }, 4, &levels);
    for (unsigned i = 2; i <= 4; i += 2) {
        StockLevel *level = stock_levels_get(&levels, fake_product(i));
        level->quantity -= i;
        stock_levels_touch(&levels, level);
        stock_levels_touch(&levels, level); /* twice is once */
    }
    g_assert_true(stock_levels_save(&levels, &store->base, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(store->calls.text->str, ==, "lock(4) save(2) ");
    g_assert_cmpint(memory_stock_quantity(store, fake_product(2)), ==, 8);
    g_assert_cmpint(memory_stock_quantity(store, fake_product(4)), ==, 6);
}

static void test_nothing_to_lock_or_save(void)
{
    g_autoptr(MemoryStock) store = memory_stock_new();
    g_auto(StockLevels) levels = { .n = 0 };
    g_autoptr(GError) error = NULL;
    must_lock(store, NULL, 0, &levels);
    g_assert_true(stock_levels_save(&levels, &store->base, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(store->calls.text->str, ==, "");
}

static void test_failed_lock_can_be_cleared(void)
{
    g_autoptr(MemoryStock) store = memory_stock_new();
    g_auto(StockLevels) levels = { .n = 0 };
    g_autoptr(GArray) ids = ids_of((const unsigned[]){ 1 }, 1);
    g_autoptr(GError) error = NULL;
    store->calls.failing = "lock";
    store->calls.failure = CH_ERROR_UNAVAILABLE;
    g_assert_false(stock_levels_lock(&store->base, ids, &levels, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stock/levels/locks-ascending-and-once", test_locks_ascending_and_once);
    g_test_add_func("/stock/levels/saves-only-what-changed", test_saves_only_what_changed);
    g_test_add_func("/stock/levels/nothing-to-lock-or-save", test_nothing_to_lock_or_save);
    g_test_add_func("/stock/levels/failed-lock-can-be-cleared", test_failed_lock_can_be_cleared);
    return g_test_run();
}
