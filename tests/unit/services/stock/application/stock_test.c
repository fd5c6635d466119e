/* Names on the wire, and items merged by product. */
#include "tests/stores/memory_stock.h"

#include "stock/application/stock.h"

static void test_refusals_have_their_wire_names(void)
{
    g_assert_cmpstr(stock_outcome_error(STOCK_UNKNOWN_PRODUCT), ==, "StockNotFoundException");
    g_assert_cmpstr(stock_outcome_error(STOCK_INSUFFICIENT), ==, "InsufficientStockException");
    g_assert_cmpstr(stock_outcome_error(STOCK_UNEXPECTED), ==, "Unexpected");
    g_assert_null(stock_outcome_error(STOCK_TAKEN));
    g_assert_null(stock_outcome_error(STOCK_SETTLED));
}

static void test_wire_names_are_read_back(void)
{
    static const StockOutcome refusals[] = { STOCK_UNKNOWN_PRODUCT, STOCK_INSUFFICIENT,
                                             STOCK_UNEXPECTED };
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
        g_assert_cmpint(stock_outcome_parse(stock_outcome_error(refusals[i])), ==, refusals[i]);
    g_assert_cmpint(stock_outcome_parse("StockUpdateException"), ==, STOCK_UNEXPECTED);
    g_assert_cmpint(stock_outcome_parse(NULL), ==, STOCK_UNEXPECTED);
}

static StockItem item(unsigned product, int64_t quantity)
{
    return (StockItem){ fake_product(product), quantity };
}

static void assert_item(const StockItem *items, size_t i, unsigned product, int64_t quantity)
{
    assert_same_id(items[i].product_id, fake_product(product));
    g_assert_cmpint(items[i].quantity, ==, quantity);
}

static void test_merge_sorts_and_sums(void)
{
    StockItem items[] = { item(300, 1), item(2, 10), item(300, 2), item(1, 5), item(2, 20) };
    g_assert_cmpuint(stock_items_merge(items, G_N_ELEMENTS(items)), ==, 3);
    assert_item(items, 0, 1, 5);
    assert_item(items, 1, 2, 30);
    assert_item(items, 2, 300, 3);
}

static void test_merge_leaves_what_is_merged(void)
{
    StockItem items[] = { item(1, 5), item(2, 6), item(3, 7) };
    g_assert_cmpuint(stock_items_merge(items, 3), ==, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_item(items, i, i + 1, i + 5);
    g_assert_cmpuint(stock_items_merge(items, 1), ==, 1);
    g_assert_cmpuint(stock_items_merge(NULL, 0), ==, 0);
}

static void test_merge_makes_one_of_all(void)
{
    StockItem items[STOCK_MAX_ITEMS];
    for (size_t i = 0; i < STOCK_MAX_ITEMS; i++)
        items[i] = item(7, 3);
    g_assert_cmpuint(stock_items_merge(items, STOCK_MAX_ITEMS), ==, 1);
    assert_item(items, 0, 7, 3 * STOCK_MAX_ITEMS);
}

static void test_free_takes_null(void)
{
    stock_order_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stock/refusals-have-their-wire-names", test_refusals_have_their_wire_names);
    g_test_add_func("/stock/wire-names-are-read-back", test_wire_names_are_read_back);
    g_test_add_func("/stock/merge/sorts-and-sums", test_merge_sorts_and_sums);
    g_test_add_func("/stock/merge/leaves-what-is-merged", test_merge_leaves_what_is_merged);
    g_test_add_func("/stock/merge/makes-one-of-all", test_merge_makes_one_of_all);
    g_test_add_func("/stock/free-takes-null", test_free_takes_null);
    return g_test_run();
}
