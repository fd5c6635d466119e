/* Taking stock for a batch of orders, and giving up an order. */
#include "tests/stores/memory_stock.h"

#include "chassis/core/log.h"
#include "stock/application/release.h"
#include "stock/application/take.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_BATCH = 100
};

typedef struct {
    MemoryStock *store;
    GPtrArray *orders; /* StockOrder * */
    size_t taken;      /* how many of them went through stock_take() */
    StockOutcome outcomes[MAX_BATCH];
} Fixture;

static void free_order(gpointer order)
{
    stock_order_free(order);
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_stock_new();
    f->orders = g_ptr_array_new_with_free_func(free_order);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_ptr_array_unref(f->orders);
    memory_stock_free(f->store);
}

static StockOrder *new_order(unsigned number, size_t n_items)
{
    StockOrder *order = g_new0(StockOrder, 1);
    order->order_id = fake_order(number);
    order->items = g_new0(StockItem, n_items);
    order->n_items = n_items;
    memset(order->trace.trace_id, (int)number, sizeof order->trace.trace_id);
    return order;
}

/* An order for @quantity of one product. */
static void ask(Fixture *f, unsigned number, unsigned product, int64_t quantity)
{
    StockOrder *order = new_order(number, 1);
    order->items[0] = (StockItem){ fake_product(product), quantity };
    g_ptr_array_add(f->orders, order);
}

/* An order for two products. */
static void ask_two(Fixture *f, unsigned number, StockItem first, StockItem second)
{
    StockOrder *order = new_order(number, 2);
    order->items[0] = first;
    order->items[1] = second;
    g_ptr_array_add(f->orders, order);
}

static StockItem of(unsigned product, int64_t quantity)
{
    return (StockItem){ fake_product(product), quantity };
}

/* Takes for the orders since the last time. */
static bool take(Fixture *f, GError **error)
{
    const StockOrder *const *batch = (const StockOrder *const *)f->orders->pdata + f->taken;
    size_t n = f->orders->len - f->taken;
    g_assert_cmpuint(n, <=, MAX_BATCH);
    memset(f->outcomes, 0xff, sizeof f->outcomes);
    f->taken = f->orders->len;
    memory_stock_begin(f->store);
    return stock_take(&f->store->base, batch, n, f->outcomes, error);
}

static void must_take(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    bool ok = take(f, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void assert_announced(const Fixture *f, guint i, unsigned order, StockOutcome outcome)
{
    g_assert_cmpuint(i, <, f->store->results->len);
    const StockAnnouncement *result = &g_array_index(f->store->results, StockAnnouncement, i);
    assert_same_id(result->order_id, fake_order(order));
    g_assert_cmpint(result->outcome, ==, outcome);
    g_assert_cmpint(result->trace.trace_id[0], ==, (uint8_t)order);
}

static void assert_quantity(const Fixture *f, unsigned product, int64_t quantity)
{
    g_assert_cmpint(memory_stock_quantity(f->store, fake_product(product)), ==, quantity);
}

static void test_orders_are_decided_in_their_order(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 6);
    ask(f, 2, 1, 5); /* 4 are left */
    ask(f, 3, 1, 4);
    ask(f, 4, 1, 1);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_TAKEN);
    g_assert_cmpint(f->outcomes[1], ==, STOCK_INSUFFICIENT);
    g_assert_cmpint(f->outcomes[2], ==, STOCK_TAKEN);
    g_assert_cmpint(f->outcomes[3], ==, STOCK_INSUFFICIENT);
    assert_quantity(f, 1, 0);
    assert_announced(f, 0, 1, STOCK_TAKEN);
    assert_announced(f, 1, 2, STOCK_INSUFFICIENT);
    assert_announced(f, 2, 3, STOCK_TAKEN);
    assert_announced(f, 3, 4, STOCK_INSUFFICIENT);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(1)), ==, STOCK_RESERVATION_TAKEN);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(2)), ==,
                    STOCK_RESERVATION_REFUSED);
}

static void test_hot_product_is_locked_and_saved_once(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 1000);
    for (unsigned i = 1; i <= MAX_BATCH; i++)
        ask(f, i, 1, 3);
    must_take(f);
    g_assert_cmpstr(f->store->calls.text->str, ==,
                    "reserve(100) lock(1) save(1) record(100) announce(100) ");
    assert_quantity(f, 1, 1000 - 3 * MAX_BATCH);
    g_assert_cmpint(memory_stock_sum(f->store, fake_product(1), "taken"), ==, -3 * MAX_BATCH);
}

static void test_all_or_nothing_for_each_order(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    memory_stock_put(f->store, fake_product(2), 1);
    ask_two(f, 1, of(1, 5), of(2, 2)); /* the second product is short */
    ask_two(f, 2, of(1, 10), of(2, 1));
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_INSUFFICIENT);
    g_assert_cmpint(f->outcomes[1], ==, STOCK_TAKEN); /* nothing was left with the first */
    assert_quantity(f, 1, 0);
    assert_quantity(f, 2, 0);
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
    for (guint i = 0; i < 2; i++)
        assert_same_id(g_array_index(f->store->ledger, StockMovement, i).order_id, fake_order(2));
}

static void test_unknown_product_is_refused(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask_two(f, 1, of(1, 5), of(77, 1));
    ask(f, 2, 1, 10);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_UNKNOWN_PRODUCT);
    g_assert_cmpint(f->outcomes[1], ==, STOCK_TAKEN);
    assert_quantity(f, 1, 0);
    assert_quantity(f, 77, -1); /* nor does it appear */
    g_assert_cmpstr(f->store->calls.text->str, ==,
                    "reserve(2) lock(2) save(1) record(1) refuse(1) announce(2) ");
}

static void test_refusals_alone_write_no_level(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 1);
    ask(f, 1, 1, 2);
    must_take(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "reserve(1) lock(1) refuse(1) announce(1) ");
    assert_quantity(f, 1, 1);
}

static void test_the_last_piece_is_taken(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), STOCK_MAX_QUANTITY);
    ask(f, 1, 1, STOCK_MAX_QUANTITY);
    ask(f, 2, 1, 1);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_TAKEN);
    g_assert_cmpint(f->outcomes[1], ==, STOCK_INSUFFICIENT);
    assert_quantity(f, 1, 0);
}

static void test_duplicates_in_a_batch_take_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    ask(f, 1, 1, 4);
    ask(f, 2, 1, 4);
    ask(f, 1, 1, 4);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_TAKEN);
    g_assert_cmpint(f->outcomes[1], ==, STOCK_SETTLED);
    g_assert_cmpint(f->outcomes[2], ==, STOCK_TAKEN);
    g_assert_cmpint(f->outcomes[3], ==, STOCK_SETTLED);
    assert_quantity(f, 1, 2);
    g_assert_cmpuint(f->store->results->len, ==, 2);
}

static void test_who_asks_again_gets_the_same_answer(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    ask(f, 2, 1, 40);
    must_take(f);
    ask(f, 1, 1, 4);
    ask(f, 2, 1, 40);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_SETTLED);
    g_assert_cmpint(f->outcomes[1], ==, STOCK_SETTLED); /* a refusal stays one */
    assert_quantity(f, 1, 6);
    assert_announced(f, 2, 1, STOCK_TAKEN);
    assert_announced(f, 3, 2, STOCK_INSUFFICIENT);
    g_assert_cmpuint(f->store->results->len, ==, 4);
    /* nothing is locked for them */
    g_assert_cmpstr(f->store->calls.text->str, ==, "reserve(2) decided(2) announce(2) ");
}

static void test_answers_again_beside_new_orders(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    must_take(f);
    ask(f, 2, 1, 1);
    ask(f, 1, 1, 4);
    ask(f, 1, 1, 4); /* once is enough */
    must_take(f);
    assert_announced(f, 1, 2, STOCK_TAKEN);
    assert_announced(f, 2, 1, STOCK_TAKEN);
    g_assert_cmpuint(f->store->results->len, ==, 3);
    assert_quantity(f, 1, 5);
    g_assert_cmpuint(f->store->ledger->len, ==, 2);
}

static void test_an_order_that_was_given_back_gets_no_answer(Fixture *f,
                                                             gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    must_take(f);
    const StockCancellation cancellation = { .order_id = fake_order(1) };
    const StockCancellation *cancellations[] = { &cancellation };
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_release(&f->store->base, cancellations, 1, &error));
    g_assert_no_error(error);

    ask(f, 1, 1, 4);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_SETTLED);
    g_assert_cmpuint(f->store->results->len, ==, 1); /* the first one */
    assert_quantity(f, 1, 10);
}

static void test_failure_to_look_up_the_answer_passes_through(Fixture *f,
                                                              gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    must_take(f);
    f->store->calls.failing = "decided";
    f->store->calls.failure = CH_ERROR_UNAVAILABLE;
    ask(f, 1, 1, 4);
    g_autoptr(GError) error = NULL;
    g_assert_false(take(f, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_assert_cmpuint(f->store->results->len, ==, 1);
}

static void test_order_behind_its_cancellation_takes_nothing(Fixture *f,
                                                             gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    const StockCancellation cancellation = { .order_id = fake_order(1) };
    const StockCancellation *cancellations[] = { &cancellation };
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_release(&f->store->base, cancellations, 1, &error));
    g_assert_no_error(error);

    ask(f, 1, 1, 4);
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_SETTLED);
    assert_quantity(f, 1, 10);
    g_assert_cmpuint(f->store->results->len, ==, 0);
    g_assert_cmpuint(f->store->releases->len, ==, 0);
}

/* The fake asserts that products are locked ascending and distinct. */
static void test_products_are_locked_in_ascending_order(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    static const unsigned products[] = { 9, 2, 700, 2, 31, 9, 1, 300 };
    for (unsigned i = 0; i < G_N_ELEMENTS(products); i++) {
        if (memory_stock_quantity(f->store, fake_product(products[i])) < 0)
            memory_stock_put(f->store, fake_product(products[i]), 5);
        ask(f, i + 1, products[i], 1);
    }
    must_take(f);
    g_assert_nonnull(strstr(f->store->calls.text->str, "lock(6) save(6) "));
    assert_quantity(f, 2, 3);
    assert_quantity(f, 700, 4);
}

static void test_nobody_asks_for_the_outcomes(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    g_autoptr(GError) error = NULL;
    g_assert_true(
        stock_take(&f->store->base, (const StockOrder *const *)f->orders->pdata, 1, NULL, &error));
    g_assert_no_error(error);
    assert_quantity(f, 1, 6);
}

static void check_failure(const char *slot, ChErrorCode code)
{
    Fixture f = { .taken = 0 };
    set_up(&f, NULL);
    memory_stock_put(f.store, fake_product(1), 10);
    f.store->calls.failing = slot;
    f.store->calls.failure = code;
    ask(&f, 1, 1, 4);
    ask(&f, 2, 1, 40);
    g_autoptr(GError) error = NULL;
    g_assert_false(take(&f, &error));
    g_assert_error(error, CH_ERROR, (int)code);
    g_autofree char *last = g_strdup_printf("%s(", slot);
    const char *call = strstr(f.store->calls.text->str, last);
    g_assert_nonnull(call);
    g_assert_cmpstr(strchr(call, ' '), ==, " "); /* nothing is asked after it */
    tear_down(&f, NULL);
}

static void test_failures_of_the_store_pass_through(void)
{
    static const char *const slots[] = {
        "reserve", "lock", "save", "record", "refuse", "announce"
    };
    for (size_t i = 0; i < G_N_ELEMENTS(slots); i++) {
        check_failure(slots[i], CH_ERROR_UNAVAILABLE);
        check_failure(slots[i], CH_ERROR_FAILED);
    }
}

/* ---- giving up ---- */

static void test_given_up_is_announced_as_unexpected(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    g_autoptr(StockOrder) order = new_order(1, 0);
    bool announced = false;
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_give_up(&f->store->base, order, &announced, &error));
    g_assert_no_error(error);
    g_assert_true(announced);
    assert_announced(f, 0, 1, STOCK_UNEXPECTED);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(1)), ==,
                    STOCK_RESERVATION_REFUSED);

    ask(f, 1, 1, 4); /* it comes again, repaired: too late */
    must_take(f);
    g_assert_cmpint(f->outcomes[0], ==, STOCK_SETTLED);
    assert_announced(f, 1, 1, STOCK_UNEXPECTED);
    assert_quantity(f, 1, 10);
}

static void test_what_was_decided_is_not_given_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_stock_put(f->store, fake_product(1), 10);
    ask(f, 1, 1, 4);
    must_take(f);
    bool announced = true;
    g_autoptr(GError) error = NULL;
    g_assert_true(
        stock_give_up(&f->store->base, g_ptr_array_index(f->orders, 0), &announced, &error));
    g_assert_no_error(error);
    g_assert_false(announced);
    g_assert_cmpuint(f->store->results->len, ==, 1);
    g_assert_cmpint(memory_stock_reservation(f->store, fake_order(1)), ==, STOCK_RESERVATION_TAKEN);
}

static void test_giving_up_passes_failures_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "reserve", "refuse", "announce" };
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        g_autoptr(StockOrder) order = new_order(i + 1, 0);
        f->store->calls.failing = slots[i];
        f->store->calls.failure = CH_ERROR_UNAVAILABLE;
        bool announced = true;
        g_autoptr(GError) error = NULL;
        g_assert_false(stock_give_up(&f->store->base, order, &announced, &error));
        g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
        g_assert_false(announced);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test) g_test_add("/stock/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("take/orders-are-decided-in-their-order", test_orders_are_decided_in_their_order);
    ADD("take/hot-product-is-locked-and-saved-once", test_hot_product_is_locked_and_saved_once);
    ADD("take/all-or-nothing-for-each-order", test_all_or_nothing_for_each_order);
    ADD("take/unknown-product-is-refused", test_unknown_product_is_refused);
    ADD("take/refusals-alone-write-no-level", test_refusals_alone_write_no_level);
    ADD("take/the-last-piece-is-taken", test_the_last_piece_is_taken);
    ADD("take/duplicates-in-a-batch-take-once", test_duplicates_in_a_batch_take_once);
    ADD("take/who-asks-again-gets-the-same-answer", test_who_asks_again_gets_the_same_answer);
    ADD("take/answers-again-beside-new-orders", test_answers_again_beside_new_orders);
    ADD("take/an-order-that-was-given-back-gets-no-answer",
        test_an_order_that_was_given_back_gets_no_answer);
    ADD("take/failure-to-look-up-the-answer-passes-through",
        test_failure_to_look_up_the_answer_passes_through);
    ADD("take/order-behind-its-cancellation-takes-nothing",
        test_order_behind_its_cancellation_takes_nothing);
    ADD("take/products-are-locked-in-ascending-order", test_products_are_locked_in_ascending_order);
    ADD("take/nobody-asks-for-the-outcomes", test_nobody_asks_for_the_outcomes);
    g_test_add_func("/stock/take/failures-of-the-store-pass-through",
                    test_failures_of_the_store_pass_through);
    ADD("give-up/is-announced-as-unexpected", test_given_up_is_announced_as_unexpected);
    ADD("give-up/what-was-decided-stays", test_what_was_decided_is_not_given_up);
    ADD("give-up/failures-pass-through", test_giving_up_passes_failures_through);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
