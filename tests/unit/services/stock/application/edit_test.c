/* Changes by operators. */
#include "tests/stores/memory_stock.h"

#include "chassis/core/log.h"
#include "stock/application/edit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_EDITS = 8
};

typedef struct {
    MemoryStock *store;
    StockEdit edits[MAX_EDITS];
    size_t n;
    StockEditOutcome outcomes[MAX_EDITS];
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_stock_new();
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_free(f->store);
}

static void ask(Fixture *f, StockEditKind kind, unsigned product, int64_t value)
{
    g_assert_cmpuint(f->n, <, MAX_EDITS);
    f->edits[f->n++] =
        (StockEdit){ .kind = kind, .product_id = fake_product(product), .value = value };
}

/* Applies what was asked since the last time. */
static void must_edit(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    memset(f->outcomes, 0xff, sizeof f->outcomes);
    memory_stock_begin(f->store);
    bool ok = stock_edit(&f->store->base, f->edits, f->n, f->outcomes, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    f->n = 0;
}

static void assert_outcome(const Fixture *f, size_t i, StockEditResult result, int64_t quantity)
{
    g_assert_cmpint(f->outcomes[i].result, ==, result);
    if (result == STOCK_EDIT_DONE)
        g_assert_cmpint(f->outcomes[i].quantity, ==, quantity);
}

static void assert_quantity(const Fixture *f, unsigned product, int64_t quantity)
{
    g_assert_cmpint(memory_stock_quantity(f->store, fake_product(product)), ==, quantity);
}

static void assert_moved(const Fixture *f, guint i, unsigned product, const char *kind,
                         int64_t delta)
{
    g_assert_cmpuint(i, <, f->store->ledger->len);
    const StockMovement *movement = &g_array_index(f->store->ledger, StockMovement, i);
    assert_same_id(movement->product_id, fake_product(product));
    g_assert_cmpstr(movement->kind, ==, kind);
    g_assert_cmpint(movement->delta, ==, delta);
    g_assert_true(ch_uuid_is_nil(movement->order_id));
}

static void test_creates_what_is_not_there(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, STOCK_CREATE, 1, 5);
    ask(f, STOCK_CREATE, 2, 5);
    ask(f, STOCK_CREATE, 2, 6); /* the first counts */
    ask(f, STOCK_CREATE, 3, 0);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_EXISTS, 0);
    assert_outcome(f, 1, STOCK_EDIT_DONE, 5);
    assert_outcome(f, 2, STOCK_EDIT_EXISTS, 0);
    assert_outcome(f, 3, STOCK_EDIT_DONE, 0);
    assert_quantity(f, 1, 10);
    assert_quantity(f, 2, 5);
    assert_quantity(f, 3, 0);
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
    assert_moved(f, 0, 2, "created", 5);
    assert_moved(f, 1, 3, "created", 0);
    g_assert_cmpstr(f->store->calls.text->str, ==, "create(4) record(2) ");
}

static void test_sets(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    memory_stock_put(f->store, fake_product(2), 10);
    ask(f, STOCK_SET, 1, 3);
    ask(f, STOCK_SET, 2, STOCK_MAX_QUANTITY);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 3);
    assert_outcome(f, 1, STOCK_EDIT_DONE, STOCK_MAX_QUANTITY);
    assert_quantity(f, 1, 3);
    assert_moved(f, 0, 1, "set", -7);
    assert_moved(f, 1, 2, "set", STOCK_MAX_QUANTITY - 10);
}

static void test_adjusts_within_the_range(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    memory_stock_put(f->store, fake_product(2), 10);
    memory_stock_put(f->store, fake_product(3), STOCK_MAX_QUANTITY);
    ask(f, STOCK_ADJUST, 1, -10);
    ask(f, STOCK_ADJUST, 2, -11);
    ask(f, STOCK_ADJUST, 3, 1);
    ask(f, STOCK_ADJUST, 3, STOCK_MAX_QUANTITY);
    ask(f, STOCK_ADJUST, 2, 5);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 0);
    assert_outcome(f, 1, STOCK_EDIT_OUT_OF_RANGE, 0);
    assert_outcome(f, 2, STOCK_EDIT_OUT_OF_RANGE, 0);
    assert_outcome(f, 3, STOCK_EDIT_OUT_OF_RANGE, 0);
    assert_outcome(f, 4, STOCK_EDIT_DONE, 15);
    g_assert_cmpint(f->outcomes[1].quantity, ==, 10); /* what is there */
    assert_quantity(f, 1, 0);
    assert_quantity(f, 2, 15);
    assert_quantity(f, 3, STOCK_MAX_QUANTITY);
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
    g_assert_cmpstr(f->store->calls.text->str, ==, "lock(3) save(2) record(2) ");
}

static void test_deletes(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, STOCK_DELETE, 1, 0);
    ask(f, STOCK_DELETE, 1, 0);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 0);
    assert_outcome(f, 1, STOCK_EDIT_UNKNOWN, 0);
    assert_quantity(f, 1, -1);
    g_assert_cmpuint(f->store->ledger->len, ==, 1);
    assert_moved(f, 0, 1, "deleted", -10);
}

static void test_what_orders_hold_is_deleted_by_force_alone(Fixture *f,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    const StockMovement taken = {
        .product_id = fake_product(1), .delta = -2, .kind = "taken", .order_id = fake_order(1)
    };
    memory_stock_put(f->store, fake_product(1), 10);
    memory_stock_put(f->store, fake_product(2), 10);
    g_array_append_val(f->store->ledger, taken);
    memory_stock_set_reservation(f->store, fake_order(1), STOCK_RESERVATION_TAKEN);
    ask(f, STOCK_DELETE, 1, 0);
    ask(f, STOCK_DELETE, 2, 0);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_HELD, 10);
    assert_outcome(f, 1, STOCK_EDIT_DONE, 0);
    assert_quantity(f, 1, 10);
    g_assert_cmpstr(f->store->calls.text->str, ==, "lock(2) held(2) save(1) record(1) ");
    ask(f, STOCK_DELETE, 1, 0);
    ask(f, STOCK_DELETE, 2, 0);
    f->edits[0].force = true;
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 0);
    assert_outcome(f, 1, STOCK_EDIT_UNKNOWN, 0);
    assert_quantity(f, 1, -1);
}

static void test_an_edit_meets_what_it_expects_or_nothing(Fixture *f,
                                                          gconstpointer unused G_GNUC_UNUSED)
{
    const ChExpected ten = { .n = 1, .versions = { 10 } };
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, STOCK_SET, 1, 20);
    ask(f, STOCK_ADJUST, 1, 5); /* the one before it came between */
    ask(f, STOCK_DELETE, 1, 0);
    ask(f, STOCK_SET, 2, 1);
    for (size_t i = 0; i < 4; i++)
        f->edits[i].expected = ten;
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 20);
    assert_outcome(f, 1, STOCK_EDIT_STALE, 0);
    assert_outcome(f, 2, STOCK_EDIT_STALE, 0);
    assert_outcome(f, 3, STOCK_EDIT_UNKNOWN, 0);
    assert_quantity(f, 1, 20);
    g_assert_cmpuint(f->store->ledger->len, ==, 1);
}

static void test_unknown_products_stay_unknown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, STOCK_SET, 1, 3);
    ask(f, STOCK_ADJUST, 2, 3);
    ask(f, STOCK_ADJUST, 3, -3);
    ask(f, STOCK_DELETE, 4, 0);
    must_edit(f);
    for (unsigned i = 0; i < 4; i++) {
        assert_outcome(f, i, STOCK_EDIT_UNKNOWN, 0);
        assert_quantity(f, i + 1, -1);
    }
    g_assert_cmpstr(f->store->calls.text->str, ==, "lock(4) held(1) "); /* nothing is written */
}

/* Each sees what the one before it left; the product is saved once. */
static void test_several_edits_of_one_product(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, STOCK_ADJUST, 1, -4);
    ask(f, STOCK_ADJUST, 1, -7); /* 6 are left */
    ask(f, STOCK_SET, 1, 100);
    ask(f, STOCK_ADJUST, 1, -7);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 6);
    assert_outcome(f, 1, STOCK_EDIT_OUT_OF_RANGE, 0);
    assert_outcome(f, 2, STOCK_EDIT_DONE, 100);
    assert_outcome(f, 3, STOCK_EDIT_DONE, 93);
    assert_quantity(f, 1, 93);
    g_assert_cmpstr(f->store->calls.text->str, ==, "lock(1) save(1) record(3) ");
    assert_moved(f, 0, 1, "adjusted", -4);
    assert_moved(f, 1, 1, "set", 94);
    assert_moved(f, 2, 1, "adjusted", -7);
}

static void test_creations_come_first(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(2), 1);
    ask(f, STOCK_ADJUST, 1, -4);
    ask(f, STOCK_CREATE, 1, 5);
    ask(f, STOCK_DELETE, 2, 0);
    ask(f, STOCK_CREATE, 2, 5);
    must_edit(f);
    assert_outcome(f, 0, STOCK_EDIT_DONE, 1);
    assert_outcome(f, 1, STOCK_EDIT_DONE, 5);
    assert_outcome(f, 2, STOCK_EDIT_DONE, 0);
    assert_outcome(f, 3, STOCK_EDIT_EXISTS, 0);
    assert_quantity(f, 1, 1);
    assert_quantity(f, 2, -1);
    g_assert_cmpint(memory_stock_sum(f->store, fake_product(1), NULL), ==, 1);
}

static void test_reason_reaches_the_ledger(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, STOCK_ADJUST, 1, -1);
    f->edits[0].reason = "broken";
    ask(f, STOCK_ADJUST, 1, -1);
    must_edit(f);
    g_assert_cmpstr(g_array_index(f->store->ledger, StockMovement, 0).reason, ==, "broken");
    g_assert_null(g_array_index(f->store->ledger, StockMovement, 1).reason);
}

static void test_nothing_to_edit(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_edit(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "");
}

static void check_failure(Fixture *f, const char *slot, ChErrorCode code)
{
    memory_stock_put(f->store, fake_product(1), 10);
    f->store->calls.failing = slot;
    f->store->calls.failure = code;
    f->n = 0;
    ask(f, STOCK_CREATE, 2, 1);
    ask(f, STOCK_ADJUST, 1, 1);
    g_autoptr(GError) error = NULL;
    memory_stock_begin(f->store);
    g_assert_false(stock_edit(&f->store->base, f->edits, f->n, f->outcomes, &error));
    g_assert_error(error, CH_ERROR, (int)code);
    g_autofree char *last = g_strdup_printf("%s(", slot);
    const char *call = strstr(f->store->calls.text->str, last);
    g_assert_nonnull(call);
    g_assert_cmpstr(strchr(call, ' '), ==, " "); /* nothing is asked after it */
}

static void test_failures_of_the_store_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "create", "lock", "save", "record" };
    for (size_t i = 0; i < G_N_ELEMENTS(slots); i++) {
        check_failure(f, slots[i], CH_ERROR_UNAVAILABLE);
        check_failure(f, slots[i], CH_ERROR_FAILED);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test) g_test_add("/stock/edit/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("creates-what-is-not-there", test_creates_what_is_not_there);
    ADD("sets", test_sets);
    ADD("adjusts-within-the-range", test_adjusts_within_the_range);
    ADD("deletes", test_deletes);
    ADD("what-orders-hold-is-deleted-by-force-alone",
        test_what_orders_hold_is_deleted_by_force_alone);
    ADD("an-edit-meets-what-it-expects-or-nothing", test_an_edit_meets_what_it_expects_or_nothing);
    ADD("unknown-products-stay-unknown", test_unknown_products_stay_unknown);
    ADD("several-edits-of-one-product", test_several_edits_of_one_product);
    ADD("creations-come-first", test_creations_come_first);
    ADD("reason-reaches-the-ledger", test_reason_reaches_the_ledger);
    ADD("nothing-to-edit", test_nothing_to_edit);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
