/* Announcing final orders again. */
#include "tests/stores/memory_orders.h"

#include "order/application/announce.h"

#include <string.h>

/* A port that finds one order, or none. */
typedef struct {
    OrderReads base;
    OrderStatus status; /* 0: there is no order */
    bool fails;
    bool open_too; /* what must_announce() asks for */
} FakeReads;

static bool find(OrderReads *self, const OrderAsked *asked, size_t n, Order **orders,
                 GError **error)
{
    const FakeReads *reads = (const FakeReads *)self;
    g_assert_cmpuint(n, ==, 1);
    if (reads->fails) {
        g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
        return false;
    }
    orders[0] = NULL;
    if (reads->status == 0)
        return true;
    orders[0] = g_new0(Order, 1);
    *orders[0] = (Order){
        .id = asked[0].id,
        .customer_id = fake_id(900),
        .status = reads->status,
        .total = 7 * CH_DECIMAL_ONE,
        .currency = "EUR",
        .reason = reads->status == ORDER_CANCELLED ? g_strdup("too late") : NULL,
    };
    return true;
}

static const OrderReadsOps fake_ops = { .find = find };

static OrderAnnounceOutcome must_announce(FakeReads *reads, MemoryOrders *store, bool dry_run)
{
    OrderAnnounceOutcome outcome;
    g_autoptr(GError) error = NULL;
    const OrderAnnouncement wanted = {
        fake_id(1), reads->open_too, dry_run, { .trace_id = { 5 } }
    };
    memory_orders_begin(store);
    g_assert_true(order_announce_again(&reads->base, &store->base, &wanted, &outcome, &error));
    g_assert_no_error(error);
    return outcome;
}

static void test_a_final_order_is_announced_as_it_is(void)
{
    g_autoptr(MemoryOrders) store = memory_orders_new();
    FakeReads reads = { .base = { &fake_ops }, .status = ORDER_CONFIRMED };
    OrderAnnounceOutcome outcome = must_announce(&reads, store, false);
    g_assert_cmpint(outcome.result, ==, ORDER_ANNOUNCE_DONE);
    g_assert_cmpint(outcome.status, ==, ORDER_CONFIRMED);
    g_assert_cmpstr(store->calls.text->str, ==, "announce(1) ");
    const OrderChange *change = &g_array_index(store->announced, OrderChange, 0);
    assert_same_id(change->id, fake_id(1));
    assert_same_id(change->customer_id, fake_id(900));
    g_assert_cmpint(change->status, ==, ORDER_CONFIRMED);
    g_assert_cmpint(change->total, ==, 7 * CH_DECIMAL_ONE);
    g_assert_cmpstr(change->currency, ==, "EUR");
    g_assert_cmpint(change->trace.trace_id[0], ==, 5);
}

static void test_a_dry_run_changes_nothing(void)
{
    g_autoptr(MemoryOrders) store = memory_orders_new();
    FakeReads reads = { .base = { &fake_ops }, .status = ORDER_CANCELLED };
    OrderAnnounceOutcome outcome = must_announce(&reads, store, true);
    g_assert_cmpint(outcome.result, ==, ORDER_ANNOUNCE_DONE);
    g_assert_cmpint(outcome.status, ==, ORDER_CANCELLED);
    g_assert_cmpstr(store->calls.text->str, ==, "");
}

static void test_open_and_unknown_orders_are_not_announced(void)
{
    g_autoptr(MemoryOrders) store = memory_orders_new();
    FakeReads reads = { .base = { &fake_ops }, .status = ORDER_CREATED };
    g_assert_cmpint(must_announce(&reads, store, false).result, ==, ORDER_ANNOUNCE_OPEN);
    reads.status = 0;
    g_assert_cmpint(must_announce(&reads, store, false).result, ==, ORDER_ANNOUNCE_UNKNOWN);
    g_assert_cmpuint(store->announced->len, ==, 0);
}

static void test_an_open_order_is_announced_when_asked_for(void)
{
    g_autoptr(MemoryOrders) store = memory_orders_new();
    FakeReads reads = { .base = { &fake_ops }, .status = ORDER_CREATED, .open_too = true };
    OrderAnnounceOutcome outcome = must_announce(&reads, store, false);
    g_assert_cmpint(outcome.result, ==, ORDER_ANNOUNCE_DONE);
    g_assert_cmpint(outcome.status, ==, ORDER_CREATED);
    g_assert_cmpstr(store->calls.text->str, ==, "announce_created(1) ");
}

static void test_failures_pass_through(void)
{
    g_autoptr(MemoryOrders) store = memory_orders_new();
    FakeReads reads = { .base = { &fake_ops }, .status = ORDER_CONFIRMED, .fails = true };
    OrderAnnounceOutcome outcome;
    g_autoptr(GError) lost = NULL;
    g_autoptr(GError) refused = NULL;
    const OrderAnnouncement wanted = { .id = fake_id(1) };
    g_assert_false(order_announce_again(&reads.base, &store->base, &wanted, &outcome, &lost));
    g_assert_error(lost, CH_ERROR, CH_ERROR_UNAVAILABLE);
    reads.fails = false;
    store->calls.failing = "announce";
    store->calls.failure = CH_ERROR_FAILED;
    g_assert_false(order_announce_again(&reads.base, &store->base, &wanted, &outcome, &refused));
    g_assert_error(refused, CH_ERROR, CH_ERROR_FAILED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order/announce/a-final-order-is-announced-as-it-is",
                    test_a_final_order_is_announced_as_it_is);
    g_test_add_func("/order/announce/a-dry-run-changes-nothing", test_a_dry_run_changes_nothing);
    g_test_add_func("/order/announce/open-and-unknown-orders-are-not-announced",
                    test_open_and_unknown_orders_are_not_announced);
    g_test_add_func("/order/announce/an-open-order-is-announced-when-asked-for",
                    test_an_open_order_is_announced_when_asked_for);
    g_test_add_func("/order/announce/failures-pass-through", test_failures_pass_through);
    return g_test_run();
}
