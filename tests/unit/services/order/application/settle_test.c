/* Changing the status of orders: by their stock's result, and by their customer. */
#include "tests/stores/memory_orders.h"

#include "chassis/core/log.h"
#include "order/application/settle.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    MemoryOrders *store;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_orders_new();
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_free(f->store);
}

static ChTrace trace_of(uint8_t number)
{
    ChTrace trace = { .flags = 1 };
    memset(trace.trace_id, number, sizeof trace.trace_id);
    return trace;
}

static const OrderChange *announced(const Fixture *f, guint i)
{
    g_assert_cmpuint(i, <, f->store->announced->len);
    return &g_array_index(f->store->announced, OrderChange, i);
}

static void assert_announced(const Fixture *f, guint i, unsigned order, OrderStatus status,
                             const char *reason, uint8_t trace)
{
    const OrderChange *change = announced(f, i);
    assert_same_id(change->id, fake_id(order));
    assert_same_id(change->customer_id, fake_id(900));
    g_assert_cmpint(change->status, ==, status);
    g_assert_cmpstr(change->reason, ==, reason);
    g_assert_cmpint(change->trace.trace_id[0], ==, trace);
}

/* ---- by the stock's result ---- */

static OrderStockResult taken(unsigned order, uint8_t trace)
{
    return (OrderStockResult){ fake_id(order), true, NULL, trace_of(trace), fake_id(0) };
}

static OrderStockResult refused(unsigned order, const char *reason, uint8_t trace)
{
    return (OrderStockResult){ fake_id(order), false, (char *)reason, trace_of(trace), fake_id(0) };
}

static bool settle(Fixture *f, const OrderStockResult *results, size_t n, GError **error)
{
    g_autofree const OrderStockResult **pointers = g_new(const OrderStockResult *, n);
    for (size_t i = 0; i < n; i++)
        pointers[i] = &results[i];
    return order_settle_stock(&f->store->base, pointers, n, error);
}

static void must_settle(Fixture *f, const OrderStockResult *results, size_t n)
{
    g_autoptr(GError) error = NULL;
    bool ok = settle(f, results, n, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void test_results_confirm_and_cancel(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    memory_orders_add(f->store, fake_id(2), ORDER_CREATED);
    const OrderStockResult results[] = {
        refused(2, "InsufficientStockException", 20),
        taken(1, 10),
    };
    must_settle(f, results, 2);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(1)), ==, ORDER_CONFIRMED);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(2)), ==, ORDER_CANCELLED);
    g_assert_cmpuint(f->store->announced->len, ==, 2);
    assert_announced(f, 0, 2, ORDER_CANCELLED, "InsufficientStockException", 20);
    assert_announced(f, 1, 1, ORDER_CONFIRMED, NULL, 10);
    const OrderMove *move = &g_array_index(f->store->moves, OrderMove, 0);
    g_assert_cmpstr(move->cause, ==, "InsufficientStockException");
    g_assert_nonnull(g_array_index(f->store->moves, OrderMove, 1).cause);
}

static void test_first_of_two_results_wins(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    memory_orders_add(f->store, fake_id(2), ORDER_CREATED);
    const OrderStockResult results[] = {
        taken(1, 10), refused(2, "Unexpected", 20), refused(1, "Unexpected", 11), taken(2, 21),
        taken(1, 12),
    };
    must_settle(f, results, 5);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(1)), ==, ORDER_CONFIRMED);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(2)), ==, ORDER_CANCELLED);
    g_assert_cmpuint(f->store->announced->len, ==, 2);
    assert_announced(f, 0, 1, ORDER_CONFIRMED, NULL, 10);
    assert_announced(f, 1, 2, ORDER_CANCELLED, "Unexpected", 20);
}

static void test_late_results_change_nothing(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CONFIRMED);
    memory_orders_add(f->store, fake_id(2), ORDER_CANCELLED);
    const OrderStockResult results[] = { refused(1, "Unexpected", 1), taken(2, 1) };
    must_settle(f, results, 2);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(1)), ==, ORDER_CONFIRMED);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(2)), ==, ORDER_CANCELLED);
    g_assert_cmpstr(f->store->calls.text->str, ==,
                    "move(2) statuses(2) "); /* nothing is announced */
}

static void test_only_changes_are_announced(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CANCELLED);
    memory_orders_add(f->store, fake_id(2), ORDER_CREATED);
    const OrderStockResult results[] = { taken(1, 10), taken(2, 20) };
    must_settle(f, results, 2);
    g_assert_cmpuint(f->store->announced->len, ==, 1);
    assert_announced(f, 0, 2, ORDER_CONFIRMED, NULL, 20);
}

static void test_unknown_order_fails(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    const OrderStockResult results[] = { taken(1, 10), taken(77, 20) };
    g_autoptr(GError) error = NULL;
    g_assert_false(settle(f, results, 2, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(fake_id(77), id);
    g_assert_nonnull(strstr(error->message, id));
}

static void test_existence_is_asked_only_when_needed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    const OrderStockResult results[] = { taken(1, 10), taken(1, 11) };
    must_settle(f, results, 2);
    g_assert_cmpstr(f->store->calls.text->str, ==, "move(1) announce(1) ");
}

static void check_settle_failure(Fixture *f, const char *slot, ChErrorCode code)
{
    f->store->calls.failing = slot;
    f->store->calls.failure = code;
    const OrderStockResult results[] = { taken(1, 10), taken(2, 10) };
    g_autoptr(GError) error = NULL;
    g_assert_false(settle(f, results, 2, &error));
    g_assert_error(error, CH_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, slot));
}

static void test_failures_of_the_store_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "move", "announce", "statuses" };
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        for (unsigned code = CH_ERROR_UNAVAILABLE; code <= CH_ERROR_FAILED; code++) {
            g_array_set_size(f->store->orders, 0);
            memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
            memory_orders_add(f->store, fake_id(2), ORDER_CONFIRMED);
            check_settle_failure(f, slots[i], code);
        }
    }
}

/* ---- by the customer ---- */

static OrderCancellation cancellation(unsigned order, const char *reason, uint8_t trace)
{
    return (OrderCancellation){ { .id = fake_id(order) }, reason, trace_of(trace) };
}

static void must_cancel(Fixture *f, const OrderCancellation *cancellations, size_t n,
                        OrderCancelOutcome *outcomes)
{
    g_autoptr(GError) error = NULL;
    memset(outcomes, 0xff, n * sizeof *outcomes);
    bool ok = order_cancel(&f->store->base, cancellations, n, outcomes, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void test_cancels_created_and_confirmed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    memory_orders_add(f->store, fake_id(2), ORDER_CONFIRMED);
    const OrderCancellation asked[] = {
        cancellation(1, "too late", 10),
        cancellation(2, "changed my mind", 20),
    };
    OrderCancelOutcome outcomes[2];
    must_cancel(f, asked, 2, outcomes);
    g_assert_cmpint(outcomes[0].result, ==, ORDER_CANCEL_DONE);
    g_assert_cmpint(outcomes[1].result, ==, ORDER_CANCEL_DONE);
    g_assert_cmpint(outcomes[0].was, ==, ORDER_CREATED);
    g_assert_cmpint(outcomes[1].was, ==, ORDER_CONFIRMED);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(1)), ==, ORDER_CANCELLED);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(2)), ==, ORDER_CANCELLED);
    assert_announced(f, 0, 1, ORDER_CANCELLED, "too late", 10);
    assert_announced(f, 1, 2, ORDER_CANCELLED, "changed my mind", 20);
    g_assert_cmpstr(f->store->calls.text->str, ==, "move(2) announce(2) ");
}

static void test_says_what_is_cancelled_or_unknown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CANCELLED);
    memory_orders_add(f->store, fake_id(2), ORDER_CREATED);
    const OrderCancellation asked[] = {
        cancellation(77, "", 1),
        cancellation(1, "", 1),
        cancellation(2, "", 1),
        cancellation(77, "", 1),
    };
    OrderCancelOutcome outcomes[4];
    must_cancel(f, asked, 4, outcomes);
    g_assert_cmpint(outcomes[0].result, ==, ORDER_CANCEL_UNKNOWN);
    g_assert_cmpint(outcomes[1].result, ==, ORDER_CANCEL_ALREADY);
    g_assert_cmpint(outcomes[2].result, ==, ORDER_CANCEL_DONE);
    g_assert_cmpint(outcomes[3].result, ==, ORDER_CANCEL_UNKNOWN);
    g_assert_cmpuint(f->store->announced->len, ==, 1);
}

static void test_cancelled_twice_in_one_batch(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    const OrderCancellation asked[] = {
        cancellation(1, "first", 10),
        cancellation(1, "second", 20),
        cancellation(1, "third", 30),
    };
    OrderCancelOutcome outcomes[3];
    must_cancel(f, asked, 3, outcomes);
    g_assert_cmpint(outcomes[0].result, ==, ORDER_CANCEL_DONE);
    g_assert_cmpint(outcomes[1].result, ==, ORDER_CANCEL_ALREADY);
    g_assert_cmpint(outcomes[2].result, ==, ORDER_CANCEL_ALREADY);
    g_assert_cmpuint(f->store->announced->len, ==, 1);
    assert_announced(f, 0, 1, ORDER_CANCELLED, "first", 10);
}

static void check_cancel_failure(Fixture *f, const char *slot, ChErrorCode code)
{
    f->store->calls.failing = slot;
    f->store->calls.failure = code;
    const OrderCancellation asked[] = { cancellation(1, "", 1), cancellation(2, "", 1) };
    OrderCancelOutcome outcomes[2];
    g_autoptr(GError) error = NULL;
    g_assert_false(order_cancel(&f->store->base, asked, 2, outcomes, &error));
    g_assert_error(error, CH_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, slot));
}

static void test_cancel_failures_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "move", "announce", "statuses" };
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        for (unsigned code = CH_ERROR_UNAVAILABLE; code <= CH_ERROR_FAILED; code++) {
            g_array_set_size(f->store->orders, 0);
            memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
            check_cancel_failure(f, slots[i], code);
        }
    }
}

static void test_replay_blockers_are_final_and_unknown_orders(Fixture *f,
                                                              gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    memory_orders_add(f->store, fake_id(2), ORDER_CONFIRMED);
    memory_orders_add(f->store, fake_id(3), ORDER_CANCELLED);
    const OrderStockResult results[] = { taken(1, 1), refused(2, "no", 2), taken(3, 3),
                                         taken(4, 4) };
    const OrderStockResult *pointers[] = { &results[0], &results[1], &results[2], &results[3] };
    static const char *const endings[] = { NULL, "is final: Confirmed", "is final: Cancelled", "" };
    char *blockers[4] = { NULL };
    g_autoptr(GError) error = NULL;
    g_assert_true(order_settle_replay_blockers(&f->store->base, pointers, 4, blockers, &error));
    g_assert_no_error(error);
    g_assert_null(blockers[0]);
    for (size_t i = 1; i < 4; i++)
        g_assert_true(g_str_has_suffix(blockers[i], endings[i]));
    g_assert_true(g_str_has_prefix(blockers[3], "there is no order "));
    g_assert_cmpstr(f->store->calls.text->str, ==, "statuses(4) ");
    for (size_t i = 0; i < 4; i++)
        g_free(blockers[i]);
    f->store->calls.failing = "statuses";
    f->store->calls.failure = CH_ERROR_UNAVAILABLE;
    g_assert_false(order_settle_replay_blockers(&f->store->base, pointers, 4, blockers, &error));
    g_assert_true(ch_error_is_unavailable(error));
}

/* A result that was under way when the customer cancelled. */
static void test_result_after_cancellation_changes_nothing(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    const OrderCancellation asked = cancellation(1, "no", 10);
    OrderCancelOutcome outcome;
    must_cancel(f, &asked, 1, &outcome);
    const OrderStockResult result = taken(1, 20);
    must_settle(f, &result, 1);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(1)), ==, ORDER_CANCELLED);
    g_assert_cmpuint(f->store->announced->len, ==, 1);
}

static OrderCancellation cancellation_by(unsigned owner, unsigned order, const char *reason)
{
    OrderCancellation it = cancellation(order, reason, 10);
    it.order.owner = fake_id(owner);
    return it;
}

/* memory_orders_add() gives every order to customer 900. */
static void test_a_strangers_order_is_unknown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    memory_orders_add(f->store, fake_id(2), ORDER_CANCELLED);
    const OrderCancellation asked[] = { cancellation_by(901, 1, "mine?"),
                                        cancellation_by(901, 2, "mine?") };
    OrderCancelOutcome outcomes[2];
    must_cancel(f, asked, 2, outcomes);
    g_assert_cmpint(outcomes[0].result, ==, ORDER_CANCEL_UNKNOWN);
    g_assert_cmpint(outcomes[1].result, ==, ORDER_CANCEL_UNKNOWN);
    g_assert_cmpint(memory_orders_status(f->store, fake_id(1)), ==, ORDER_CREATED);
    g_assert_cmpuint(f->store->announced->len, ==, 0);
}

/* Whoever else asks in the same batch, and earlier. */
static void test_a_stranger_takes_nobodys_place(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_orders_add(f->store, fake_id(1), ORDER_CREATED);
    const OrderCancellation asked[] = {
        cancellation_by(901, 1, "mine?"),
        cancellation_by(900, 1, "mine"),
        cancellation(1, "for the customer", 10),
        cancellation_by(900, 1, "again"),
    };
    OrderCancelOutcome outcomes[4];
    must_cancel(f, asked, 4, outcomes);
    g_assert_cmpint(outcomes[0].result, ==, ORDER_CANCEL_UNKNOWN);
    g_assert_cmpint(outcomes[1].result, ==, ORDER_CANCEL_DONE);
    g_assert_cmpint(outcomes[2].result, ==, ORDER_CANCEL_ALREADY);
    g_assert_cmpint(outcomes[3].result, ==, ORDER_CANCEL_ALREADY);
    g_assert_cmpuint(f->store->announced->len, ==, 1);
}

static void test_what_nobody_answers_is_given_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid ids[] = { fake_id(1), fake_id(2), fake_id(3) };
    g_autoptr(GError) error = NULL;
    int64_t given_up = -1;
    memory_orders_add(f->store, ids[0], ORDER_CREATED);
    memory_orders_add(f->store, ids[1], ORDER_CONFIRMED); /* it was answered meanwhile */
    memory_orders_add(f->store, ids[2], ORDER_CANCELLED);
    g_assert_true(order_give_up(&f->store->base, ids, G_N_ELEMENTS(ids), &given_up, &error));
    g_assert_no_error(error);
    g_assert_cmpint(given_up, ==, 1);
    g_assert_cmpint(memory_orders_status(f->store, ids[0]), ==, ORDER_CANCELLED);
    g_assert_cmpint(memory_orders_status(f->store, ids[1]), ==, ORDER_CONFIRMED);
    g_assert_true(order_give_up(&f->store->base, ids, G_N_ELEMENTS(ids), &given_up, &error));
    g_assert_cmpint(given_up, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test) g_test_add("/order/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("settle/results-confirm-and-cancel", test_results_confirm_and_cancel);
    ADD("settle/first-of-two-results-wins", test_first_of_two_results_wins);
    ADD("settle/late-results-change-nothing", test_late_results_change_nothing);
    ADD("settle/only-changes-are-announced", test_only_changes_are_announced);
    ADD("settle/unknown-order-fails", test_unknown_order_fails);
    ADD("settle/existence-is-asked-only-when-needed", test_existence_is_asked_only_when_needed);
    ADD("settle/failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
    ADD("settle/replay-blockers-are-final-and-unknown-orders",
        test_replay_blockers_are_final_and_unknown_orders);
    ADD("cancel/cancels-created-and-confirmed", test_cancels_created_and_confirmed);
    ADD("cancel/says-what-is-cancelled-or-unknown", test_says_what_is_cancelled_or_unknown);
    ADD("cancel/cancelled-twice-in-one-batch", test_cancelled_twice_in_one_batch);
    ADD("cancel/a-strangers-order-is-unknown", test_a_strangers_order_is_unknown);
    ADD("cancel/a-stranger-takes-nobodys-place", test_a_stranger_takes_nobodys_place);
    ADD("cancel/failures-of-the-store-pass-through", test_cancel_failures_pass_through);
    ADD("give-up/what-nobody-answers", test_what_nobody_answers_is_given_up);
    ADD("settle/result-after-cancellation-changes-nothing",
        test_result_after_cancellation_changes_nothing);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
