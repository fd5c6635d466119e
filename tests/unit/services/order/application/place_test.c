/* Placing orders: which are stored, and what each asker is told. */
#include "tests/stores/memory_orders.h"

#include "chassis/core/log.h"
#include "order/application/place.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* An order 100 + @number of the customer @customer; @body tells its request's hash. */
static OrderPlacement *placement(unsigned number, unsigned customer, const char *key, uint8_t body)
{
    OrderPlacement *p = g_new0(OrderPlacement, 1);
    p->id = fake_id(100 + number);
    p->customer_id = fake_id(customer);
    p->idempotency_key = g_strdup(key);
    memset(p->request_hash, body, sizeof p->request_hash);
    return p;
}

typedef struct {
    MemoryOrders *store;
    GPtrArray *batch; /* OrderPlacement *, of all batches: the store borrows their keys */
    size_t placed;    /* how many of them went through order_place() */
    OrderPlaceOutcome outcomes[16];
    int log; /* a file in memory */
} Fixture;

static void free_placement(gpointer p)
{
    order_placement_free(p);
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_orders_new();
    f->batch = g_ptr_array_new_with_free_func(free_placement);
    f->log = memfd_create("log", MFD_CLOEXEC);
    ch_log_set_output(f->log);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_ptr_array_unref(f->batch);
    memory_orders_free(f->store);
    ch_log_set_output(STDOUT_FILENO);
    close(f->log);
}

static void ask(Fixture *f, unsigned number, unsigned customer, const char *key, uint8_t body)
{
    g_ptr_array_add(f->batch, placement(number, customer, key, body));
}

/* Places what was asked since the last time. */
static bool place(Fixture *f, GError **error)
{
    OrderPlacement *const *batch = (OrderPlacement *const *)f->batch->pdata + f->placed;
    size_t n = f->batch->len - f->placed;
    g_assert_cmpuint(n, <=, G_N_ELEMENTS(f->outcomes));
    memset(f->outcomes, 0xff, sizeof f->outcomes);
    f->placed = f->batch->len;
    g_string_truncate(f->store->calls.text, 0);
    return order_place(&f->store->base, batch, n, f->outcomes, error);
}

static void must_place(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    bool ok = place(f, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void assert_outcome(const Fixture *f, size_t i, OrderPlaceResult result, unsigned number)
{
    g_assert_cmpint(f->outcomes[i].result, ==, result);
    if (result == ORDER_PLACED || result == ORDER_REPLAYED)
        assert_same_id(f->outcomes[i].id, fake_id(100 + number));
}

static void test_without_keys_all_are_placed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, NULL, 7);
    ask(f, 2, 1, NULL, 7); /* the same customer and body: two orders all the same */
    ask(f, 3, 2, NULL, 7);
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "insert(3) ");
    for (unsigned i = 0; i < 3; i++) {
        assert_outcome(f, i, ORDER_PLACED, i + 1);
        assert_same_id(g_array_index(f->store->inserted, ChUuid, i), fake_id(101 + i));
    }
}

static void test_new_keys_are_claimed_and_placed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    ask(f, 2, 1, NULL, 7);
    ask(f, 3, 1, "b", 7);
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(2) insert(3) ");
    for (unsigned i = 0; i < 3; i++)
        assert_outcome(f, i, ORDER_PLACED, i + 1);
}

static void test_replay_gets_the_first_order(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    must_place(f);
    ask(f, 2, 1, "a", 7);
    must_place(f);
    assert_outcome(f, 0, ORDER_REPLAYED, 1);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(1) "); /* nothing is inserted */
    g_assert_cmpuint(f->store->inserted->len, ==, 1);
}

static void test_another_body_under_a_key_is_refused(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    must_place(f);
    ask(f, 2, 1, "a", 8);
    must_place(f);
    assert_outcome(f, 0, ORDER_KEY_REUSED, 0);
    g_assert_cmpuint(f->store->inserted->len, ==, 1);
}

static void test_key_held_elsewhere_is_in_flight(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const MemoryKey held = { fake_id(1), "a", { .state = ORDER_KEY_HELD } };
    g_array_append_val(f->store->keys, held);
    ask(f, 1, 1, "a", 7);
    ask(f, 2, 1, "b", 7);
    must_place(f);
    assert_outcome(f, 0, ORDER_KEY_IN_FLIGHT, 0);
    assert_outcome(f, 1, ORDER_PLACED, 2); /* its neighbour does not suffer */
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(2) insert(1) ");
}

static void test_of_equal_keys_the_first_is_placed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    ask(f, 2, 1, "a", 7);
    ask(f, 3, 1, "a", 8);
    must_place(f);
    assert_outcome(f, 0, ORDER_PLACED, 1);
    assert_outcome(f, 1, ORDER_KEY_IN_FLIGHT, 0);
    assert_outcome(f, 2, ORDER_KEY_IN_FLIGHT, 0);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(1) insert(1) ");
}

/* The first request was answered long ago: nothing is in flight. */
static void test_equal_keys_used_before_all_get_their_answer(Fixture *f,
                                                             gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    must_place(f);
    ask(f, 2, 1, "a", 7);
    ask(f, 3, 1, "a", 7);
    ask(f, 4, 1, "a", 8);
    must_place(f);
    assert_outcome(f, 0, ORDER_REPLAYED, 1);
    assert_outcome(f, 1, ORDER_REPLAYED, 1);
    assert_outcome(f, 2, ORDER_KEY_REUSED, 0);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(1) ");
}

static void test_scope_of_a_key_is_its_customer(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    ask(f, 2, 2, "a", 7);
    must_place(f);
    assert_outcome(f, 0, ORDER_PLACED, 1);
    assert_outcome(f, 1, ORDER_PLACED, 2);
    ask(f, 3, 2, "a", 7);
    must_place(f);
    assert_outcome(f, 0, ORDER_REPLAYED, 2);
}

static void test_one_batch_of_everything(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const MemoryKey held = { fake_id(1), "held", { .state = ORDER_KEY_HELD } };
    g_array_append_val(f->store->keys, held);
    ask(f, 1, 1, "used", 7);
    must_place(f);

    ask(f, 2, 1, "held", 7);
    ask(f, 3, 1, NULL, 7);
    ask(f, 4, 1, "used", 8);
    ask(f, 5, 1, "new", 7);
    ask(f, 6, 1, "used", 7);
    ask(f, 7, 1, "new", 7);
    ask(f, 8, 1, NULL, 7);
    must_place(f);

    assert_outcome(f, 0, ORDER_KEY_IN_FLIGHT, 0);
    assert_outcome(f, 1, ORDER_PLACED, 3);
    assert_outcome(f, 2, ORDER_KEY_REUSED, 0);
    assert_outcome(f, 3, ORDER_PLACED, 5);
    assert_outcome(f, 4, ORDER_REPLAYED, 1);
    assert_outcome(f, 5, ORDER_KEY_IN_FLIGHT, 0);
    assert_outcome(f, 6, ORDER_PLACED, 8);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(3) insert(3) ");
}

static void test_nothing_to_place(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "");
}

/* ---- prices ---- */

static void list_price(Fixture *f, unsigned product, ChDecimal unit_price, const char *currency)
{
    OrderPrice price = { .product_id = fake_product(product), .listed = true, .version = 1 };
    price.unit_price = unit_price;
    g_strlcpy(price.currency, currency, sizeof price.currency);
    g_array_append_val(f->store->prices, price);
}

enum {
    NO_PRICE = -1
};

/* Adds @quantity of @product to the order that was asked for last. */
static void want(Fixture *f, unsigned product, int64_t quantity, ChDecimal unit_price)
{
    OrderPlacement *p = g_ptr_array_index(f->batch, f->batch->len - 1);
    p->items = g_renew(OrderItem, p->items, p->n_items + 1);
    p->items[p->n_items++] = (OrderItem){
        .product_id = fake_product(product),
        .quantity = quantity,
        .unit_price = MAX(unit_price, 0),
        .is_priced = unit_price != NO_PRICE,
    };
    g_assert_true(order_total(p->items, p->n_items, &p->total));
    g_strlcpy(p->currency, "USD", sizeof p->currency);
}

static void ask_as_customer(Fixture *f, unsigned number, const char *key)
{
    ask(f, number, 1, key, 7);
    ((OrderPlacement *)g_ptr_array_index(f->batch, f->batch->len - 1))->pricing =
        ORDER_PRICES_OF_LIST;
}

static void assert_total(const Fixture *f, guint i, ChDecimal total)
{
    g_assert_cmpint(g_array_index(f->store->orders, MemoryOrder, i).total, ==, total);
}

static void assert_unpriced(Fixture *f, size_t i, const char *why)
{
    g_assert_cmpint(f->outcomes[i].result, ==, ORDER_UNPRICED);
    g_autofree char *text = ch_violations_text(f->outcomes[i].violations);
    g_assert_cmpstr(text, ==, why);
    ch_violations_free(f->outcomes[i].violations);
}

static void test_prices_that_are_left_out_are_the_lists(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    list_price(f, 1, 199900, "USD");
    list_price(f, 2, 1, "USD");
    ask(f, 1, 1, NULL, 7);
    want(f, 1, 2, NO_PRICE);
    want(f, 2, 3, NO_PRICE);
    want(f, 3, 1, 50000); /* named: the list is not asked */
    ask(f, 2, 1, NULL, 7);
    want(f, 1, 1, 5); /* named, though the list has one */
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(0) insert(2) ");
    assert_total(f, 0, 2 * 199900 + 3 + 50000);
    assert_total(f, 1, 5);
    const OrderPlacement *first = g_ptr_array_index(f->batch, 0);
    g_assert_cmpint(first->items[0].unit_price, ==, 199900);
}

static void test_without_a_listed_price_a_shop_pays_nothing(Fixture *f,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, NULL, 7);
    want(f, 1, 2, NO_PRICE);
    must_place(f);
    assert_outcome(f, 0, ORDER_PLACED, 1);
    assert_total(f, 0, 0);
}

static void test_without_a_listed_price_a_customer_is_refused(Fixture *f,
                                                              gconstpointer unused G_GNUC_UNUSED)
{
    list_price(f, 1, 10000, "USD");
    ask_as_customer(f, 1, "a");
    want(f, 1, 1, NO_PRICE);
    want(f, 2, 1, NO_PRICE);
    ask_as_customer(f, 2, "b");
    want(f, 1, 4, NO_PRICE);
    must_place(f);
    assert_unpriced(f, 0, "items[1].productId has no price");
    assert_outcome(f, 1, ORDER_PLACED, 2); /* its neighbour does not suffer */
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(2) insert(1) ");
    assert_total(f, 0, 40000);
}

static void test_a_refused_order_does_not_use_its_key(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    ask_as_customer(f, 1, "a");
    want(f, 1, 1, NO_PRICE);
    must_place(f);
    assert_unpriced(f, 0, "items[0].productId has no price");
    list_price(f, 1, 10000, "USD");
    ask_as_customer(f, 2, "a");
    want(f, 1, 1, NO_PRICE);
    must_place(f);
    assert_outcome(f, 0, ORDER_PLACED, 2);
}

static void test_a_price_in_another_currency_is_refused(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    list_price(f, 1, 10000, "EUR");
    ask(f, 1, 1, NULL, 7);
    want(f, 1, 1, NO_PRICE);
    ask(f, 2, 1, NULL, 7);
    want(f, 1, 1, 10000);
    must_place(f);
    assert_unpriced(f, 0, "items[0].productId has a price in EUR, and the order is in USD");
    assert_outcome(f, 1, ORDER_PLACED, 2);
}

static void test_a_total_of_the_list_past_the_limit_is_refused(Fixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    list_price(f, 1, ORDER_MAX_UNIT_PRICE, "USD");
    ask(f, 1, 1, NULL, 7);
    want(f, 1, ORDER_MAX_QUANTITY, NO_PRICE);
    ask(f, 2, 1, NULL, 7);
    want(f, 1, 100000, NO_PRICE);
    want(f, 2, 1, 99999); /* 100,000 * 9,999,999.9999 + 9.9999 */
    must_place(f);
    assert_unpriced(f, 0, "items must not total more than 999999999999.9999");
    assert_outcome(f, 1, ORDER_PLACED, 2);
    assert_total(f, 0, ORDER_MAX_TOTAL);
}

static void test_a_replay_is_the_first_order_whatever_the_price(Fixture *f,
                                                                gconstpointer unused G_GNUC_UNUSED)
{
    list_price(f, 1, 10000, "USD");
    ask_as_customer(f, 1, "a");
    want(f, 1, 1, NO_PRICE);
    must_place(f);
    g_array_set_size(f->store->prices, 0);
    ask_as_customer(f, 2, "a");
    want(f, 1, 1, NO_PRICE);
    must_place(f);
    assert_outcome(f, 0, ORDER_REPLAYED, 1);
    g_assert_cmpuint(f->store->orders->len, ==, 1);
}

/* A batch that was rolled back looks again: the price may be another one, or gone. */
static void test_a_batch_that_runs_again_takes_the_price_anew(Fixture *f,
                                                              gconstpointer unused G_GNUC_UNUSED)
{
    list_price(f, 1, 10000, "USD");
    ask(f, 1, 1, NULL, 7);
    want(f, 1, 1, NO_PRICE);
    g_autoptr(GError) error = NULL;
    f->store->calls.failing = "insert";
    f->store->calls.failure = CH_ERROR_UNAVAILABLE;
    g_assert_false(place(f, &error));
    f->store->calls.failing = NULL;
    g_array_set_size(f->store->prices, 0);
    f->placed = 0;
    must_place(f);
    assert_total(f, 0, 0);
}

/* What was refused before the store failed is told anew, and freed. */
static void test_refusals_of_a_batch_that_fails_are_dropped(Fixture *f,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    ask_as_customer(f, 1, NULL);
    want(f, 1, 1, NO_PRICE);
    ask(f, 2, 1, NULL, 7);
    g_autoptr(GError) error = NULL;
    f->store->calls.failing = "insert";
    f->store->calls.failure = CH_ERROR_UNAVAILABLE;
    g_assert_false(place(f, &error));
    g_assert_null(f->outcomes[0].violations);
}

/* ---- failures ---- */

static void check_failure(Fixture *f, const char *slot, ChErrorCode code, const char *calls)
{
    f->store->calls.failing = slot;
    f->store->calls.failure = code;
    ask(f, 1, 1, "a", 7);
    g_autoptr(GError) error = NULL;
    g_assert_false(place(f, &error));
    g_assert_error(error, CH_ERROR, (int)code);
    g_assert_cmpstr(f->store->calls.text->str, ==, calls);
    g_assert_cmpuint(f->store->inserted->len, ==, 0);
}

static void test_failures_of_the_store_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    check_failure(f, "look_up", CH_ERROR_UNAVAILABLE, "look_up(1) ");
    check_failure(f, "look_up", CH_ERROR_FAILED, "look_up(1) ");
    check_failure(f, "insert", CH_ERROR_UNAVAILABLE, "look_up(1) insert(1) ");
    check_failure(f, "insert", CH_ERROR_FAILED, "look_up(1) insert(1) ");
}

static void test_each_accepted_order_is_logged_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ask(f, 1, 1, "a", 7);
    ask(f, 2, 1, "a", 7);
    ask(f, 3, 1, NULL, 7);
    must_place(f);

    char text[4096] = "";
    g_assert_cmpint(pread(f->log, text, sizeof text - 1, 0), >, 0);
    g_auto(GStrv) accepted = g_strsplit(text, "order accepted", -1);
    g_assert_cmpuint(g_strv_length(accepted), ==, 1 + 2);
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(fake_id(102), id);
    g_assert_null(strstr(text, id)); /* it was not accepted */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/order/place/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("without-keys-all-are-placed", test_without_keys_all_are_placed);
    ADD("new-keys-are-claimed-and-placed", test_new_keys_are_claimed_and_placed);
    ADD("replay-gets-the-first-order", test_replay_gets_the_first_order);
    ADD("another-body-under-a-key-is-refused", test_another_body_under_a_key_is_refused);
    ADD("key-held-elsewhere-is-in-flight", test_key_held_elsewhere_is_in_flight);
    ADD("of-equal-keys-the-first-is-placed", test_of_equal_keys_the_first_is_placed);
    ADD("equal-keys-used-before-all-get-their-answer",
        test_equal_keys_used_before_all_get_their_answer);
    ADD("scope-of-a-key-is-its-customer", test_scope_of_a_key_is_its_customer);
    ADD("one-batch-of-everything", test_one_batch_of_everything);
    ADD("prices-that-are-left-out-are-the-lists", test_prices_that_are_left_out_are_the_lists);
    ADD("without-a-listed-price-a-shop-pays-nothing",
        test_without_a_listed_price_a_shop_pays_nothing);
    ADD("without-a-listed-price-a-customer-is-refused",
        test_without_a_listed_price_a_customer_is_refused);
    ADD("a-refused-order-does-not-use-its-key", test_a_refused_order_does_not_use_its_key);
    ADD("a-price-in-another-currency-is-refused", test_a_price_in_another_currency_is_refused);
    ADD("a-total-of-the-list-past-the-limit-is-refused",
        test_a_total_of_the_list_past_the_limit_is_refused);
    ADD("a-replay-is-the-first-order-whatever-the-price",
        test_a_replay_is_the_first_order_whatever_the_price);
    ADD("a-batch-that-runs-again-takes-the-price-anew",
        test_a_batch_that_runs_again_takes_the_price_anew);
    ADD("refusals-of-a-batch-that-fails-are-dropped",
        test_refusals_of_a_batch_that_fails_are_dropped);
    ADD("nothing-to-place", test_nothing_to_place);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
    ADD("each-accepted-order-is-logged-once", test_each_accepted_order_is_logged_once);
#undef ADD
    return g_test_run();
}
