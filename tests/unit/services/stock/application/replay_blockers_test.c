/* Why handling an event about an order again would have no effect. */
#include "tests/stores/memory_stock.h"

#include "chassis/core/log.h"
#include "stock/application/release.h"
#include "stock/application/replay_blockers.h"
#include "stock/application/take.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    UNKNOWN = 1,
    TAKEN,
    REFUSED,
    RELEASED,
    CANCELLED, /* before it came */
    ORDERS_N = CANCELLED
};

typedef struct {
    MemoryStock *store;
    char *blockers[ORDERS_N + 1]; /* of the order with that number */
} Fixture;

static void must_take(Fixture *f, unsigned number, int64_t quantity)
{
    StockItem item = { fake_product(1), quantity };
    const StockOrder order = { .order_id = fake_order(number), .items = &item, .n_items = 1 };
    const StockOrder *orders[] = { &order };
    g_autoptr(GError) error = NULL;
    memory_stock_begin(f->store);
    g_assert_true(stock_take(&f->store->base, orders, 1, NULL, &error));
}

static void must_cancel(Fixture *f, unsigned number)
{
    const StockCancellation cancellation = { .order_id = fake_order(number) };
    const StockCancellation *cancellations[] = { &cancellation };
    g_autoptr(GError) error = NULL;
    memory_stock_begin(f->store);
    g_assert_true(stock_release(&f->store->base, cancellations, 1, &error));
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_stock_new();
    memory_stock_put(f->store, fake_product(1), 10);
    must_take(f, TAKEN, 1);
    must_take(f, REFUSED, 11);
    must_take(f, RELEASED, 1);
    must_cancel(f, RELEASED);
    must_cancel(f, CANCELLED);
    memory_stock_begin(f->store);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < G_N_ELEMENTS(f->blockers); i++)
        g_free(f->blockers[i]);
    memory_stock_free(f->store);
}

static void assert_replay_blockers(const Fixture *f, const char *const expected[ORDERS_N + 1])
{
    for (unsigned number = UNKNOWN; number <= ORDERS_N; number++) {
        if (expected[number] == NULL)
            g_assert_null(f->blockers[number]);
        else
            g_assert_true(g_str_has_suffix(f->blockers[number], expected[number]));
    }
    g_assert_cmpstr(f->store->calls.text->str, ==, "reservations(5) ");
}

static void test_only_an_unknown_order_is_taken_for(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    StockOrder orders[ORDERS_N];
    const StockOrder *pointers[ORDERS_N];
    g_autoptr(GError) error = NULL;
    for (unsigned i = 0; i < ORDERS_N; i++) {
        orders[i] = (StockOrder){ .order_id = fake_order(i + 1) };
        pointers[i] = &orders[i];
    }
    g_assert_true(
        stock_take_replay_blockers(&f->store->base, pointers, ORDERS_N, f->blockers + 1, &error));
    static const char *const expected[ORDERS_N + 1] = {
        [TAKEN] = "its stock is taken",
        [REFUSED] = "its stock is refused",
        [RELEASED] = "its stock is given back",
        [CANCELLED] = "it was cancelled before it came",
    };
    assert_replay_blockers(f, expected);
}

static void test_only_what_is_taken_or_unknown_is_released(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    StockCancellation cancellations[ORDERS_N];
    const StockCancellation *pointers[ORDERS_N];
    g_autoptr(GError) error = NULL;
    for (unsigned i = 0; i < ORDERS_N; i++) {
        cancellations[i] = (StockCancellation){ .order_id = fake_order(i + 1) };
        pointers[i] = &cancellations[i];
    }
    g_assert_true(stock_release_replay_blockers(&f->store->base, pointers, ORDERS_N,
                                                f->blockers + 1, &error));
    static const char *const expected[ORDERS_N + 1] = {
        [REFUSED] = "its stock is refused",
        [RELEASED] = "its stock is given back",
        [CANCELLED] = "it was cancelled before it came",
    };
    assert_replay_blockers(f, expected);
}

static void test_failures_of_the_store_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const StockOrder order = { .order_id = fake_order(TAKEN) };
    const StockOrder *orders[] = { &order };
    const StockCancellation cancellation = { .order_id = fake_order(TAKEN) };
    const StockCancellation *cancellations[] = { &cancellation };
    g_autoptr(GError) taking = NULL;
    g_autoptr(GError) releasing = NULL;
    f->store->calls.failing = "reservations";
    f->store->calls.failure = CH_ERROR_UNAVAILABLE;
    g_assert_false(stock_take_replay_blockers(&f->store->base, orders, 1, f->blockers, &taking));
    g_assert_false(
        stock_release_replay_blockers(&f->store->base, cancellations, 1, f->blockers, &releasing));
    g_assert_true(ch_error_is_unavailable(taking) && ch_error_is_unavailable(releasing));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test)                                                                            \
    g_test_add("/stock/replay-blockers/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("only-an-unknown-order-is-taken-for", test_only_an_unknown_order_is_taken_for);
    ADD("only-what-is-taken-or-unknown-is-released",
        test_only_what_is_taken_or_unknown_is_released);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
