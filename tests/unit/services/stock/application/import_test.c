/* Quantities from outside. */
#include "tests/stores/memory_stock.h"

#include "stock/application/import.h"

enum {
    MAX_LINES = 8,
};

typedef struct {
    MemoryStock *store;
    StockImport lines[MAX_LINES];
    size_t n;
    StockImportOutcome outcomes[MAX_LINES];
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_stock_new();
    memory_stock_put(f->store, fake_product(1), 10);
    memory_stock_put(f->store, fake_product(2), 20);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_free(f->store);
}

static void ask(Fixture *f, unsigned product, int64_t quantity)
{
    g_assert_cmpuint(f->n, <, MAX_LINES);
    f->lines[f->n++] = (StockImport){ .product_id = fake_product(product), .quantity = quantity };
}

static void ask_expecting(Fixture *f, unsigned product, int64_t quantity, int64_t expected)
{
    ask(f, product, quantity);
    f->lines[f->n - 1].expected = (ChExpected){ .n = 1, .versions = { expected } };
}

static void must_import(Fixture *f, bool set_existing)
{
    g_autoptr(GError) error = NULL;
    memory_stock_begin(f->store);
    bool ok =
        stock_import(&f->store->base, f->lines, f->n, set_existing, "anna", f->outcomes, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    f->n = 0;
}

static void assert_outcome(const Fixture *f, size_t i, const char *name, int64_t quantity)
{
    g_assert_cmpstr(stock_import_result_name(f->outcomes[i].result), ==, name);
    g_assert_cmpint(f->outcomes[i].quantity, ==, quantity);
}

static void assert_moved(const Fixture *f, guint i, const char *kind, int64_t delta)
{
    const StockMovement *movement = &g_array_index(f->store->ledger, StockMovement, i);
    g_assert_cmpstr(movement->kind, ==, kind);
    g_assert_cmpstr(movement->reason, ==, "imported");
    g_assert_cmpint(movement->delta, ==, delta);
}

static void test_creates_and_keeps(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 7);
    ask(f, 2, 20);
    ask(f, 3, 5);
    ask(f, 3, 6); /* the first has created it */
    ask(f, 4, 0);
    must_import(f, false);
    assert_outcome(f, 0, "kept", 10);
    assert_outcome(f, 1, "unchanged", 20);
    assert_outcome(f, 2, "created", 5);
    assert_outcome(f, 3, "kept", 5);
    assert_outcome(f, 4, "created", 0);
    g_assert_cmpint(memory_stock_quantity(f->store, fake_product(3)), ==, 5);
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
    assert_moved(f, 0, "created", 5);
    assert_moved(f, 1, "created", 0);
}

static void test_sets_what_is_there(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 7);
    ask(f, 2, 20);
    ask(f, 1, 8); /* in the order given */
    ask(f, 3, 5);
    must_import(f, true);
    assert_outcome(f, 0, "set", 7);
    assert_outcome(f, 1, "unchanged", 20);
    assert_outcome(f, 2, "set", 8);
    assert_outcome(f, 3, "created", 5);
    g_assert_cmpint(memory_stock_quantity(f->store, fake_product(1)), ==, 8);
    g_assert_cmpuint(f->store->ledger->len, ==, 3);
    assert_moved(f, 1, "set", -3);
    assert_moved(f, 2, "set", 1);
}

static void test_what_is_expected_decides(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (int way = 0; way < 2; way++) {
        ask_expecting(f, 1, 7 + way, 10 - 3 * way);
        ask_expecting(f, 2, 7, 19);
        ask_expecting(f, 5, 7, 0); /* it is not created */
        must_import(f, way == 1);
        assert_outcome(f, 0, "set", 7 + way);
        assert_outcome(f, 1, "stale", 20);
        assert_outcome(f, 2, "unknown", 0);
    }
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
}

/* Whatever was not answered may be given again. */
static void test_a_repetition_changes_nothing(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const names[] = { "unchanged", "kept", "unchanged" };
    for (int time = 0; time < 2; time++) {
        ask_expecting(f, 1, 7, 10);
        ask(f, 2, 3);
        ask(f, 3, 5);
        must_import(f, false);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_cmpstr(stock_import_result_name(f->outcomes[i].result), ==, names[i]);
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *path;
        void (*run)(Fixture *, gconstpointer);
    } tests[] = {
        { "/import/creates-and-keeps", test_creates_and_keeps },
        { "/import/sets-what-is-there", test_sets_what_is_there },
        { "/import/what-is-expected-decides", test_what_is_expected_decides },
        { "/import/a-repetition-changes-nothing", test_a_repetition_changes_nothing },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
