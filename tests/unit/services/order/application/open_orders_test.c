/* How many orders of a customer may be open. */
#include "tests/stores/memory_orders.h"

#include "chassis/core/log.h"
#include "order/application/place.h"

#include <fcntl.h>
#include <unistd.h>

typedef struct {
    MemoryOrders *store;
    GPtrArray *placements; /* OrderPlacement *, of all batches */
    size_t placed;         /* how many of them went through order_place() */
    OrderPlaceOutcome outcomes[16];
} Fixture;

static void free_placement(gpointer p)
{
    order_placement_free(p);
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_orders_new();
    f->placements = g_ptr_array_new_with_free_func(free_placement);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_ptr_array_unref(f->placements);
    memory_orders_free(f->store);
}

/* An order of @customer, who may have @open_max; @key: NULL for none. */
static void ask(Fixture *f, unsigned customer, int64_t open_max, const char *key)
{
    OrderPlacement *p = g_new0(OrderPlacement, 1);
    p->id = fake_id(100 + f->placements->len);
    p->customer_id = fake_id(customer);
    p->open_max = open_max;
    p->idempotency_key = g_strdup(key);
    g_ptr_array_add(f->placements, p);
}

/* Places what was asked since the last time. */
static void must_place(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    OrderPlacement *const *batch = (OrderPlacement *const *)f->placements->pdata + f->placed;
    size_t n = f->placements->len - f->placed;
    f->placed = f->placements->len;
    g_string_truncate(f->store->calls.text, 0);
    bool ok = order_place(&f->store->base, batch, n, f->outcomes, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void assert_results(const Fixture *f, const OrderPlaceResult *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g_assert_cmpint(f->outcomes[i].result, ==, expected[i]);
}

/* Of the batch and of those that are there, in one look; orders without a limit count, too. */
static void test_what_is_there_counts(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const OrderPlaceResult expected[] = { ORDER_PLACED, ORDER_TOO_MANY_OPEN, ORDER_PLACED,
                                                 ORDER_PLACED, ORDER_TOO_MANY_OPEN };
    ask(f, 1, 0, NULL);
    ask(f, 1, 0, NULL);
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "insert(2) ");
    ask(f, 1, 3, NULL);
    ask(f, 1, 3, NULL);
    ask(f, 2, 3, NULL); /* somebody else */
    ask(f, 1, 0, NULL); /* a shop on behalf of the first */
    ask(f, 1, 4, NULL);
    must_place(f);
    g_assert_cmpstr(f->store->calls.text->str, ==, "look_up(0) insert(3) ");
    assert_results(f, expected, G_N_ELEMENTS(expected));
}

static void test_what_is_final_makes_room(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const OrderPlaceResult placed = ORDER_PLACED;
    static const OrderPlaceResult refused = ORDER_TOO_MANY_OPEN;
    ask(f, 1, 1, NULL);
    must_place(f);
    assert_results(f, &placed, 1);
    ask(f, 1, 1, NULL);
    must_place(f);
    assert_results(f, &refused, 1);
    g_array_index(f->store->orders, MemoryOrder, 0).status = ORDER_CONFIRMED;
    ask(f, 1, 1, NULL);
    must_place(f);
    assert_results(f, &placed, 1);
}

/* A repetition gets its answer however many are open, and a refusal uses no key. */
static void test_keys(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const OrderPlaceResult first[] = { ORDER_PLACED, ORDER_TOO_MANY_OPEN };
    static const OrderPlaceResult again[] = { ORDER_REPLAYED, ORDER_PLACED };
    ask(f, 1, 1, "a");
    ask(f, 1, 1, "b");
    must_place(f);
    assert_results(f, first, G_N_ELEMENTS(first));
    ask(f, 1, 1, "a");
    ask(f, 1, 2, "b");
    must_place(f);
    assert_results(f, again, G_N_ELEMENTS(again));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
#define ADD(name, test) g_test_add("/order/open/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("what-is-there-counts", test_what_is_there_counts);
    ADD("what-is-final-makes-room", test_what_is_final_makes_room);
    ADD("keys", test_keys);
#undef ADD
    return g_test_run();
}
