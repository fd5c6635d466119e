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
    const OrderPlacement *const *batch = (const OrderPlacement *const *)f->batch->pdata + f->placed;
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
    g_assert_cmpstr(f->store->calls.text->str, ==, "claim_keys(2) insert(3) ");
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
    g_assert_cmpstr(f->store->calls.text->str, ==, "claim_keys(1) "); /* nothing is inserted */
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
    g_assert_cmpstr(f->store->calls.text->str, ==, "claim_keys(2) insert(1) ");
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
    g_assert_cmpstr(f->store->calls.text->str, ==, "claim_keys(1) insert(1) ");
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
    g_assert_cmpstr(f->store->calls.text->str, ==, "claim_keys(1) ");
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
    g_assert_cmpstr(f->store->calls.text->str, ==, "claim_keys(3) insert(3) ");
}

static void test_nothing_to_place(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "");
}

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
    check_failure(f, "claim_keys", CH_ERROR_UNAVAILABLE, "claim_keys(1) ");
    check_failure(f, "claim_keys", CH_ERROR_FAILED, "claim_keys(1) ");
    check_failure(f, "insert", CH_ERROR_UNAVAILABLE, "claim_keys(1) insert(1) ");
    check_failure(f, "insert", CH_ERROR_FAILED, "claim_keys(1) insert(1) ");
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
    ADD("nothing-to-place", test_nothing_to_place);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
    ADD("each-accepted-order-is-logged-once", test_each_accepted_order_is_logged_once);
#undef ADD
    return g_test_run();
}
