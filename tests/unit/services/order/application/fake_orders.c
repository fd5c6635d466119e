/* The order store of the unit tests. */
#include "fake_orders.h"

#include <string.h>

/* Notes a call; false when it is the one that fails. */
static bool called(FakeOrders *fake, const char *slot, size_t n, GError **error)
{
    g_string_append_printf(fake->calls, "%s(%zu) ", slot, n);
    if (fake->failing == NULL || strcmp(fake->failing, slot) != 0)
        return true;
    g_set_error(error, CH_ERROR, (int)fake->failure, "%s went wrong", slot);
    return false;
}

static FakeOrder *find_order(const FakeOrders *fake, ChUuid id)
{
    for (guint i = 0; i < fake->orders->len; i++) {
        FakeOrder *order = &g_array_index(fake->orders, FakeOrder, i);
        if (ch_uuid_equal(order->id, id))
            return order;
    }
    return NULL;
}

static const FakeKey *find_key(const FakeOrders *fake, const OrderPlacement *placement)
{
    for (guint i = 0; i < fake->keys->len; i++) {
        const FakeKey *key = &g_array_index(fake->keys, FakeKey, i);
        if (ch_uuid_equal(key->customer_id, placement->customer_id) &&
            strcmp(key->key, placement->idempotency_key) == 0)
            return key;
    }
    return NULL;
}

static bool claim_keys(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                       OrderKeyAnswer *answers, GError **error)
{
    FakeOrders *fake = (FakeOrders *)self;
    if (!called(fake, "claim_keys", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        g_assert_nonnull(placements[i]->idempotency_key);
        const FakeKey *key = find_key(fake, placements[i]);
        answers[i] = key != NULL ? key->answer : (OrderKeyAnswer){ .state = ORDER_KEY_FREE };
    }
    return true;
}

static bool insert(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                   GError **error)
{
    FakeOrders *fake = (FakeOrders *)self;
    if (!called(fake, "insert", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        const OrderPlacement *placement = placements[i];
        g_assert_null(find_order(fake, placement->id));
        FakeOrder order = { placement->id, placement->customer_id, ORDER_CREATED };
        g_array_append_val(fake->orders, order);
        g_array_append_val(fake->inserted, placement->id);
        if (placement->idempotency_key == NULL)
            continue;
        g_assert_null(find_key(fake, placement));
        FakeKey key = { placement->customer_id,
                        placement->idempotency_key,
                        { .state = ORDER_KEY_USED, .order_id = placement->id } };
        memcpy(key.answer.request_hash, placement->request_hash, ORDER_HASH_BYTES);
        g_array_append_val(fake->keys, key);
    }
    return true;
}

static bool may_move(const FakeOrder *order, const OrderStatus *from, size_t n_from)
{
    for (size_t i = 0; i < n_from; i++) {
        if (order->status == from[i])
            return true;
    }
    return false;
}

static bool move(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                 size_t n_from, GArray **changes, GError **error)
{
    FakeOrders *fake = (FakeOrders *)self;
    if (!called(fake, "move", n, error))
        return false;
    g_autoptr(GHashTable) seen = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    *changes = g_array_new(FALSE, TRUE, sizeof(OrderChange));
    for (size_t i = 0; i < n; i++) {
        g_assert_true(g_hash_table_add(seen, (void *)&moves[i].id)); /* they are distinct */
        g_array_append_val(fake->moves, moves[i]);
        FakeOrder *order = find_order(fake, moves[i].id);
        if (order == NULL || !may_move(order, from, n_from))
            continue;
        order->status = moves[i].to;
        OrderChange change = {
            .id = order->id,
            .customer_id = order->customer_id,
            .status = order->status,
            .reason = moves[i].reason,
            .trace = moves[i].trace,
        };
        g_array_append_val(*changes, change);
    }
    return true;
}

static bool announce(OrderStore *self, const OrderChange *changes, size_t n, GError **error)
{
    FakeOrders *fake = (FakeOrders *)self;
    if (!called(fake, "announce", n, error))
        return false;
    g_array_append_vals(fake->announced, changes, (guint)n);
    return true;
}

static bool exist(OrderStore *self, const ChUuid *ids, size_t n, bool *known, GError **error)
{
    FakeOrders *fake = (FakeOrders *)self;
    if (!called(fake, "exist", n, error))
        return false;
    for (size_t i = 0; i < n; i++)
        known[i] = find_order(fake, ids[i]) != NULL;
    return true;
}

/* Commands neither list nor prune. */

static bool find(OrderStore *self, const ChUuid *ids, size_t n, Order **orders, GError **error)
{
    FakeOrders *fake = (FakeOrders *)self;
    if (!called(fake, "find", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        const FakeOrder *order = find_order(fake, ids[i]);
        orders[i] = NULL;
        if (order == NULL)
            continue;
        orders[i] = g_new0(Order, 1);
        orders[i]->id = order->id;
        orders[i]->status = order->status;
    }
    return true;
}

static bool list(OrderStore *self, const OrderFilter *filter, GPtrArray **orders, GError **error)
{
    (void)filter;
    (void)orders;
    return called((FakeOrders *)self, "list", 0, error);
}

static bool history(OrderStore *self, ChUuid id, GArray **entries, GError **error)
{
    (void)id;
    (void)entries;
    return called((FakeOrders *)self, "history", 0, error);
}

static bool prune_keys(OrderStore *self, int64_t before_us, int64_t max, size_t *n, GError **error)
{
    (void)before_us;
    (void)max;
    (void)n;
    return called((FakeOrders *)self, "prune_keys", 0, error);
}

static void free_store(OrderStore *self)
{
    fake_orders_free((FakeOrders *)self);
}

static const OrderStoreOps ops = {
    .claim_keys = claim_keys,
    .insert = insert,
    .move = move,
    .announce = announce,
    .exist = exist,
    .find = find,
    .list = list,
    .history = history,
    .prune_keys = prune_keys,
    .free = free_store,
};

FakeOrders *fake_orders_new(void)
{
    FakeOrders *fake = g_new0(FakeOrders, 1);
    fake->base.ops = &ops;
    fake->orders = g_array_new(FALSE, FALSE, sizeof(FakeOrder));
    fake->keys = g_array_new(FALSE, FALSE, sizeof(FakeKey));
    fake->inserted = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    fake->moves = g_array_new(FALSE, FALSE, sizeof(OrderMove));
    fake->announced = g_array_new(FALSE, FALSE, sizeof(OrderChange));
    fake->calls = g_string_new(NULL);
    return fake;
}

void fake_orders_free(FakeOrders *fake)
{
    if (fake == NULL)
        return;
    g_array_unref(fake->orders);
    g_array_unref(fake->keys);
    g_array_unref(fake->inserted);
    g_array_unref(fake->moves);
    g_array_unref(fake->announced);
    g_string_free(fake->calls, TRUE);
    g_free(fake);
}

void fake_orders_add(FakeOrders *fake, ChUuid id, OrderStatus status)
{
    FakeOrder order = { id, fake_id(900), status };
    g_array_append_val(fake->orders, order);
}

OrderStatus fake_orders_status(const FakeOrders *fake, ChUuid id)
{
    const FakeOrder *order = find_order(fake, id);
    g_assert_nonnull(order);
    return order->status;
}

ChUuid fake_id(unsigned number)
{
    ChUuid id = { { 0 } };
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

void assert_same_id(ChUuid a, ChUuid b)
{
    g_assert_true(ch_uuid_equal(a, b));
}
