/* Stock is conserved, whatever comes in whatever order, however often: random batches from a fixed
 * seed. initial + operators' changes = on hand + held by orders that took and gave nothing back. */
#include "tests/stores/memory_stock.h"

#include "chassis/core/log.h"
#include "stock/application/edit.h"
#include "stock/application/release.h"
#include "stock/application/take.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    SEED = 20261122,
    BATCHES = 2000,
    MAX_BATCH = 16,
    PRODUCTS = 12, /* and as many numbers again that nobody stocks at first */
    MAX_ITEMS = 4,
    ORDERS = 6000,
    NEARBY = 60, /* how far around the newest order the random ones are: repetitions are common */
};

/* What the test itself knows of an order. */
typedef struct {
    StockOrder order;
    StockItem items[MAX_ITEMS];
    bool asked, cancelled;
} Known;

typedef struct {
    MemoryStock *store;
    GRand *random;
    Known *orders;
    int64_t edited[2 * PRODUCTS]; /* by operators, since the start */
} World;

static unsigned below(World *world, int limit)
{
    return (unsigned)g_rand_int_range(world->random, 0, limit);
}

/* An order always asks for the same, as a repeated event does. */
static void make_order(World *world, unsigned number)
{
    Known *known = &world->orders[number];
    size_t n = 1 + below(world, MAX_ITEMS);
    for (size_t i = 0; i < n; i++) {
        bool odd = below(world, 10) == 0;
        known->items[i].product_id = fake_product(below(world, odd ? 2 * PRODUCTS : PRODUCTS));
        known->items[i].quantity = 1 + below(world, 9);
    }
    known->order = (StockOrder){
        .order_id = fake_order(number),
        .items = known->items,
        .n_items = stock_items_merge(known->items, n),
    };
}

/* Moves slowly through all orders, so that each is met early, late and again. */
static Known *any_order(World *world, unsigned batch)
{
    unsigned newest = batch * (ORDERS - NEARBY) / BATCHES;
    return &world->orders[newest + below(world, NEARBY)];
}

static void take_some(World *world, unsigned batch)
{
    const StockOrder *orders[MAX_BATCH];
    size_t n = 1 + below(world, MAX_BATCH);
    for (size_t i = 0; i < n; i++) {
        Known *known = any_order(world, batch);
        known->asked = true;
        orders[i] = &known->order;
    }
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_take(&world->store->base, orders, n, NULL, &error));
    g_assert_no_error(error);
}

static void cancel_some(World *world, unsigned batch)
{
    StockCancellation all[MAX_BATCH];
    const StockCancellation *cancellations[MAX_BATCH];
    size_t n = 1 + below(world, MAX_BATCH / 2);
    for (size_t i = 0; i < n; i++) {
        Known *known = any_order(world, batch);
        known->cancelled = true;
        all[i] = (StockCancellation){ .order_id = known->order.order_id };
        cancellations[i] = &all[i];
    }
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_release(&world->store->base, cancellations, n, &error));
    g_assert_no_error(error);
}

static void give_up_one(World *world, unsigned batch)
{
    Known *known = any_order(world, batch);
    bool announced = false;
    g_autoptr(GError) error = NULL;
    known->asked = true;
    g_assert_true(stock_give_up(&world->store->base, &known->order, &announced, &error));
    g_assert_no_error(error);
}

static void edit_one(World *world)
{
    static const StockEditKind kinds[] = { STOCK_CREATE, STOCK_SET,    STOCK_ADJUST,
                                           STOCK_ADJUST, STOCK_ADJUST, STOCK_DELETE };
    unsigned product = below(world, 2 * PRODUCTS);
    int64_t before = MAX(memory_stock_quantity(world->store, fake_product(product)), 0);
    StockEditKind kind = kinds[below(world, G_N_ELEMENTS(kinds))];
    int least = kind == STOCK_ADJUST ? -500 : 0;
    const StockEdit edit = {
        .kind = kind,
        .product_id = fake_product(product),
        .value = g_rand_int_range(world->random, least, 2000),
    };
    StockEditOutcome outcome;
    g_autoptr(GError) error = NULL;
    g_assert_true(stock_edit(&world->store->base, &edit, 1, &outcome, &error));
    g_assert_no_error(error);
    int64_t after = MAX(memory_stock_quantity(world->store, fake_product(product)), 0);
    world->edited[product] += after - before;
}

static void one_batch(World *world, unsigned batch)
{
    unsigned dice = below(world, 100);
    memory_stock_begin(world->store);
    if (dice < 60)
        take_some(world, batch);
    else if (dice < 85)
        cancel_some(world, batch);
    else if (dice < 88)
        give_up_one(world, batch);
    else
        edit_one(world);
}

/* ---- what must hold at the end ---- */

static void count_held(const World *world, int64_t *held)
{
    for (unsigned i = 0; i < ORDERS; i++) {
        const StockOrder *order = &world->orders[i].order;
        if (memory_stock_reservation(world->store, order->order_id) != STOCK_RESERVATION_TAKEN)
            continue;
        for (size_t k = 0; k < order->n_items; k++)
            held[order->items[k].product_id.bytes[15]] += order->items[k].quantity;
    }
}

static void check_conserved(const World *world)
{
    int64_t held[2 * PRODUCTS] = { 0 };
    count_held(world, held);
    for (unsigned i = 0; i < 2 * PRODUCTS; i++) {
        int64_t on_hand = MAX(memory_stock_quantity(world->store, fake_product(i)), 0);
        g_assert_cmpint(world->edited[i], ==, on_hand + held[i]);
        g_assert_cmpint(memory_stock_sum(world->store, fake_product(i), NULL), ==, on_hand);
    }
}

/* How often each order stands in @results. */
static GHashTable *count_orders(const GArray *results)
{
    GHashTable *counts = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    for (guint i = 0; i < results->len; i++) {
        StockAnnouncement *result = &g_array_index(results, StockAnnouncement, i);
        int before = GPOINTER_TO_INT(g_hash_table_lookup(counts, &result->order_id));
        g_hash_table_insert(counts, &result->order_id, GINT_TO_POINTER(before + 1));
    }
    return counts;
}

static int count_of(GHashTable *counts, ChUuid id)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(counts, &id));
}

/* How often each order stands in the ledger as @kind, one line for each of its items. */
static GHashTable *count_movements(const MemoryStock *store, const char *kind)
{
    GHashTable *counts = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    for (guint i = 0; i < store->ledger->len; i++) {
        StockMovement *movement = &g_array_index(store->ledger, StockMovement, i);
        if (strcmp(movement->kind, kind) != 0)
            continue;
        int before = GPOINTER_TO_INT(g_hash_table_lookup(counts, &movement->order_id));
        g_hash_table_insert(counts, &movement->order_id, GINT_TO_POINTER(before + 1));
    }
    return counts;
}

static void check_same_answers(const GArray *results)
{
    g_autoptr(GHashTable) first = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    for (guint i = 0; i < results->len; i++) {
        StockAnnouncement *result = &g_array_index(results, StockAnnouncement, i);
        const StockAnnouncement *known = g_hash_table_lookup(first, &result->order_id);
        if (known == NULL)
            g_hash_table_insert(first, &result->order_id, result);
        else
            g_assert_cmpint(result->outcome, ==, known->outcome);
    }
}

/* Each order took once at most, gave back once at most, and was answered, in
 * the same way each time. */
static void check_orders(const World *world)
{
    g_autoptr(GHashTable) answers = count_orders(world->store->results);
    g_autoptr(GHashTable) releases = count_orders(world->store->releases);
    g_autoptr(GHashTable) taken = count_movements(world->store, "taken");
    g_autoptr(GHashTable) released = count_movements(world->store, "released");
    check_same_answers(world->store->results);
    for (unsigned i = 0; i < ORDERS; i++) {
        const Known *known = &world->orders[i];
        ChUuid id = known->order.order_id;
        StockReservation state = memory_stock_reservation(world->store, id);
        bool took = state == STOCK_RESERVATION_TAKEN || state == STOCK_RESERVATION_RELEASED;
        int lines = (int)known->order.n_items;
        g_assert_cmpint(count_of(taken, id), ==, took ? lines : 0);
        g_assert_cmpint(count_of(released, id), ==,
                        state == STOCK_RESERVATION_RELEASED ? lines : 0);
        g_assert_cmpint(count_of(releases, id), ==, state == STOCK_RESERVATION_RELEASED ? 1 : 0);
        g_assert_true(took || state == STOCK_RESERVATION_REFUSED ? count_of(answers, id) > 0
                                                                 : count_of(answers, id) == 0);
        g_assert_true(known->asked || known->cancelled ? state != 0 : state == 0);
        if (known->cancelled)
            g_assert_cmpint(state, !=, STOCK_RESERVATION_TAKEN);
    }
}

/* The seed must not make it a test of nothing. */
static void check_that_all_happened(const World *world)
{
    int states[STOCK_RESERVATION_CANCELLED + 1] = { 0 };
    for (unsigned i = 0; i < ORDERS; i++)
        states[memory_stock_reservation(world->store, fake_order(i))]++;
    g_test_message("held %d, refused %d, released %d, tombstones %d",
                   states[STOCK_RESERVATION_TAKEN], states[STOCK_RESERVATION_REFUSED],
                   states[STOCK_RESERVATION_RELEASED], states[STOCK_RESERVATION_CANCELLED]);
    for (int state = STOCK_RESERVATION_TAKEN; state <= STOCK_RESERVATION_CANCELLED; state++)
        g_assert_cmpint(states[state], >, 50);
}

static void test_stock_is_conserved(void)
{
    g_autoptr(MemoryStock) store = memory_stock_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(SEED);
    g_autofree Known *orders = g_new0(Known, ORDERS);
    World world = { .store = store, .random = random, .orders = orders };
    for (unsigned i = 0; i < ORDERS; i++)
        make_order(&world, i);
    for (unsigned batch = 0; batch < BATCHES; batch++)
        one_batch(&world, batch);
    check_that_all_happened(&world);
    check_conserved(&world);
    check_orders(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
    g_test_add_func("/stock/conservation", test_stock_is_conserved);
    int status = g_test_run();
    close(nowhere);
    return status;
}
