/* Giving back the stock of cancelled orders. */
#include "tests/stores/memory_stock.h"

#include "chassis/core/log.h"
#include "stock/application/edit.h"
#include "stock/application/release.h"
#include "stock/application/take.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    MemoryStock *store;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_stock_new();
    memory_stock_put(f->store, fake_product(1), 100);
    memory_stock_put(f->store, fake_product(2), 100);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_free(f->store);
}

/* Takes one_each of the first product and two_each of the second. */
static void must_take(Fixture *f, unsigned number, int64_t one_each, int64_t two_each)
{
    StockItem items[] = { { fake_product(1), one_each }, { fake_product(2), two_each } };
    const StockOrder order = { .order_id = fake_order(number), .items = items, .n_items = 2 };
    const StockOrder *orders[] = { &order };
    g_autoptr(GError) error = NULL;
    memory_stock_begin(f->store);
    g_assert_true(stock_take(&f->store->base, orders, 1, NULL, &error));
    g_assert_no_error(error);
}

/* Cancels @n orders; the trace of the i-th is i + 1. */
static bool cancel(Fixture *f, const unsigned *numbers, size_t n, GError **error)
{
    g_autofree StockCancellation *all = g_new0(StockCancellation, n);
    g_autofree const StockCancellation **pointers = g_new(const StockCancellation *, n);
    for (size_t i = 0; i < n; i++) {
        all[i].order_id = fake_order(numbers[i]);
        memset(all[i].trace.trace_id, (int)i + 1, sizeof all[i].trace.trace_id);
        pointers[i] = &all[i];
    }
    memory_stock_begin(f->store);
    return stock_release(&f->store->base, pointers, n, error);
}

static void must_cancel(Fixture *f, const unsigned *numbers, size_t n)
{
    g_autoptr(GError) error = NULL;
    bool ok = cancel(f, numbers, n, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void assert_quantity(const Fixture *f, unsigned product, int64_t quantity)
{
    g_assert_cmpint(memory_stock_quantity(f->store, fake_product(product)), ==, quantity);
}

static void test_gives_back_what_was_taken(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 20);
    assert_quantity(f, 1, 90);
    must_cancel(f, (const unsigned[]){ 1 }, 1);
    assert_quantity(f, 1, 100);
    assert_quantity(f, 2, 100);
    g_assert_cmpint(memory_stock_sum(f->store, fake_product(1), "released"), ==, 10);
    g_assert_cmpint(memory_stock_sum(f->store, fake_product(2), "released"), ==, 20);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(1)), ==,
                    STOCK_RESERVATION_RELEASED);
}

static void test_sums_a_batch_by_product(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 1);
    must_take(f, 2, 20, 2);
    must_take(f, 3, 30, 3);
    must_cancel(f, (const unsigned[]){ 3, 1 }, 2);
    g_assert_cmpstr(f->store->calls.text->str, ==,
                    "release(2) lock(2) save(2) record(4) announce_releases(2) ");
    assert_quantity(f, 1, 80);
    assert_quantity(f, 2, 98);
}

static void test_carries_the_trace_of_its_cancellation(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 1);
    must_take(f, 2, 20, 2);
    must_cancel(f, (const unsigned[]){ 77, 2, 1 }, 3);
    g_assert_cmpuint(f->store->releases->len, ==, 2);
    const StockAnnouncement *results = (const StockAnnouncement *)(void *)f->store->releases->data;
    assert_same_id(results[0].order_id, fake_order(2));
    g_assert_cmpint(results[0].trace.trace_id[0], ==, 2);
    assert_same_id(results[1].order_id, fake_order(1));
    g_assert_cmpint(results[1].trace.trace_id[0], ==, 3);
}

static void test_gives_back_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 20);
    must_cancel(f, (const unsigned[]){ 1, 1, 1 }, 3); /* in one batch */
    assert_quantity(f, 1, 100);
    must_cancel(f, (const unsigned[]){ 1 }, 1); /* and across batches */
    assert_quantity(f, 1, 100);
    g_assert_cmpstr(f->store->calls.text->str, ==, "release(1) ");
    g_assert_cmpuint(f->store->releases->len, ==, 1);
}

static void test_refused_order_gives_nothing_back(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 101, 1);
    must_cancel(f, (const unsigned[]){ 1 }, 1);
    assert_quantity(f, 1, 100);
    assert_quantity(f, 2, 100);
    g_assert_cmpuint(f->store->releases->len, ==, 0);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(1)), ==,
                    STOCK_RESERVATION_REFUSED);
}

static void test_order_that_has_not_come_gets_a_tombstone(Fixture *f,
                                                          gconstpointer unused G_GNUC_UNUSED)
{
    must_cancel(f, (const unsigned[]){ 1, 2 }, 2);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(1)), ==,
                    STOCK_RESERVATION_CANCELLED);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(2)), ==,
                    STOCK_RESERVATION_CANCELLED);
    g_assert_cmpstr(f->store->calls.text->str, ==, "release(2) ");
    must_take(f, 1, 10, 10);
    assert_quantity(f, 1, 100);
}

/* A cancellation puts no product on sale again. */
static void test_stock_of_a_deleted_product_is_written_off(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 20);
    const StockEdit edit = { .kind = STOCK_DELETE, .product_id = fake_product(1), .force = true };
    StockEditOutcome outcome;
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_edit(&f->store->base, &edit, 1, &outcome, &error));
    g_assert_no_error(error);
    must_cancel(f, (const unsigned[]){ 1 }, 1);
    assert_quantity(f, 1, -1);
    assert_quantity(f, 2, 100);
    g_assert_cmpint(memory_stock_sum(f->store, fake_product(1), "released"), ==, 10);
    g_assert_cmpint(memory_stock_sum(f->store, fake_product(1), NULL), ==, -100);
}

/* ---- because support asks ---- */

static StockReleaseOutcome must_release_held(Fixture *f, unsigned number)
{
    const StockCancellation wanted = { .order_id = fake_order(number),
                                       .reason = "its letter was discarded",
                                       .actor = "ana" };
    StockReleaseOutcome outcome;
    g_autoptr(GError) error = NULL;
    memory_stock_begin(f->store);
    g_assert_true(stock_release_held(&f->store->base, &wanted, &outcome, &error));
    g_assert_no_error(error);
    return outcome;
}

static void test_support_releases_what_a_cancelled_order_holds(Fixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 20);
    f->store->told_cancelled = fake_order(1);
    StockReleaseOutcome outcome = must_release_held(f, 1);
    g_assert_cmpint(outcome.result, ==, STOCK_RELEASE_DONE);
    g_assert_cmpint(outcome.reservation, ==, STOCK_RESERVATION_RELEASED);
    assert_quantity(f, 1, 100);
    assert_quantity(f, 2, 100);
    g_assert_cmpuint(f->store->releases->len, ==, 1);
    const StockMovement *last =
        &g_array_index(f->store->ledger, StockMovement, f->store->ledger->len - 1);
    g_assert_cmpstr(last->kind, ==, "released");
    g_assert_cmpstr(last->reason, ==, "its letter was discarded");
    g_assert_cmpstr(last->actor, ==, "ana");
}

static void test_support_releases_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 20);
    f->store->told_cancelled = fake_order(1);
    must_release_held(f, 1);
    StockReleaseOutcome again = must_release_held(f, 1);
    g_assert_cmpint(again.result, ==, STOCK_RELEASE_NOTHING);
    g_assert_cmpint(again.reservation, ==, STOCK_RESERVATION_RELEASED);
    must_cancel(f, (const unsigned[]){ 1 }, 1); /* its letter is replayed after all */
    assert_quantity(f, 1, 100);
    g_assert_cmpuint(f->store->releases->len, ==, 1);
}

static void test_support_releases_nothing_unproven(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take(f, 1, 10, 20);
    f->store->told_cancelled = fake_order(2);
    g_assert_cmpint(must_release_held(f, 1).result, ==, STOCK_RELEASE_OPEN);
    assert_quantity(f, 1, 90);
    g_assert_cmpint(must_release_held(f, 2).result, ==, STOCK_RELEASE_UNKNOWN);
    must_cancel(f, (const unsigned[]){ 3 }, 1); /* a tombstone */
    g_assert_cmpint(must_release_held(f, 3).result, ==, STOCK_RELEASE_NOTHING);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(2)), ==, STOCK_RESERVATION_NONE);
}

static void test_failures_of_support_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "reservations", "told_cancelled", "release" };
    const StockCancellation wanted = { .order_id = fake_order(1) };
    StockReleaseOutcome outcome;
    must_take(f, 1, 10, 20);
    f->store->told_cancelled = fake_order(1);
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        g_autoptr(GError) error = NULL;
        f->store->calls.failing = slots[i];
        f->store->calls.failure = CH_ERROR_UNAVAILABLE;
        memory_stock_begin(f->store);
        g_assert_false(stock_release_held(&f->store->base, &wanted, &outcome, &error));
        g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    }
}

static void check_failure(Fixture *f, unsigned number, const char *slot, ChErrorCode code)
{
    f->store->calls.failing = NULL;
    must_take(f, number, 1, 1);
    f->store->calls.failing = slot;
    f->store->calls.failure = code;
    g_autoptr(GError) error = NULL;
    g_assert_false(cancel(f, &number, 1, &error));
    g_assert_error(error, CH_ERROR, (int)code);
    g_autofree char *last = g_strdup_printf("%s(", slot);
    const char *call = strstr(f->store->calls.text->str, last);
    g_assert_nonnull(call);
    g_assert_cmpstr(strchr(call, ' '), ==, " "); /* nothing is asked after it */
}

static void test_failures_of_the_store_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "release", "lock", "save", "record", "announce_releases" };
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        check_failure(f, 2 * i + 1, slots[i], CH_ERROR_UNAVAILABLE);
        check_failure(f, 2 * i + 2, slots[i], CH_ERROR_FAILED);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test) g_test_add("/stock/release/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("gives-back-what-was-taken", test_gives_back_what_was_taken);
    ADD("sums-a-batch-by-product", test_sums_a_batch_by_product);
    ADD("carries-the-trace-of-its-cancellation", test_carries_the_trace_of_its_cancellation);
    ADD("gives-back-once", test_gives_back_once);
    ADD("refused-order-gives-nothing-back", test_refused_order_gives_nothing_back);
    ADD("order-that-has-not-come-gets-a-tombstone", test_order_that_has_not_come_gets_a_tombstone);
    ADD("stock-of-a-deleted-product-is-written-off",
        test_stock_of_a_deleted_product_is_written_off);
    ADD("support-releases-what-a-cancelled-order-holds",
        test_support_releases_what_a_cancelled_order_holds);
    ADD("support-releases-once", test_support_releases_once);
    ADD("support-releases-nothing-unproven", test_support_releases_nothing_unproven);
    ADD("failures-of-support-pass-through", test_failures_of_support_pass_through);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
