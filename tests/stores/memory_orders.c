/* Few orders, so that looking through them all is quick enough. */
#include "memory_orders.h"

#include <string.h>

static MemoryOrder *find_order(const MemoryOrders *store, ChUuid id)
{
    for (guint i = 0; i < store->orders->len; i++) {
        MemoryOrder *order = &g_array_index(store->orders, MemoryOrder, i);
        if (ch_uuid_equal(order->id, id))
            return order;
    }
    return NULL;
}

static const MemoryKey *find_key(const MemoryOrders *store, const OrderPlacement *placement)
{
    for (guint i = 0; i < store->keys->len; i++) {
        const MemoryKey *key = &g_array_index(store->keys, MemoryKey, i);
        if (ch_uuid_equal(key->customer_id, placement->customer_id) &&
            strcmp(key->key, placement->idempotency_key) == 0)
            return key;
    }
    return NULL;
}

static OrderPrice find_price(const MemoryOrders *store, ChUuid product_id)
{
    for (guint i = 0; i < store->prices->len; i++) {
        OrderPrice price = g_array_index(store->prices, OrderPrice, i);
        if (ch_uuid_equal(price.product_id, product_id))
            return price;
    }
    return (OrderPrice){ .product_id = product_id };
}

static int64_t count_open(const MemoryOrders *store, ChUuid customer_id)
{
    int64_t open = 0;
    for (guint i = 0; i < store->orders->len; i++) {
        const MemoryOrder *order = &g_array_index(store->orders, MemoryOrder, i);
        open += ch_uuid_equal(order->customer_id, customer_id) && order->status == ORDER_CREATED;
    }
    return open;
}

static bool look_up(OrderStore *self, const OrderQuestions *asked, GError **error)
{
    MemoryOrders *store = (MemoryOrders *)self;
    if (!store_called(&store->calls, "look_up", asked->n_claims, error))
        return false;
    for (size_t i = 0; i < asked->n_claims; i++) {
        g_assert_nonnull(asked->claims[i]->idempotency_key);
        const MemoryKey *key = find_key(store, asked->claims[i]);
        asked->answers[i] = key != NULL ? key->answer : (OrderKeyAnswer){ .state = ORDER_KEY_FREE };
    }
    for (size_t i = 0; i < asked->n_prices; i++)
        asked->prices[i] = find_price(store, asked->prices[i].product_id);
    for (size_t i = 0; i < asked->n_open; i++)
        asked->open[i].orders = count_open(store, asked->open[i].customer_id);
    return true;
}

static bool insert(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                   GError **error)
{
    MemoryOrders *store = (MemoryOrders *)self;
    if (!store_called(&store->calls, "insert", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        const OrderPlacement *placement = placements[i];
        g_assert_null(find_order(store, placement->id));
        MemoryOrder order = { placement->id, placement->customer_id, ORDER_CREATED,
                              placement->total };
        g_array_append_val(store->orders, order);
        g_array_append_val(store->inserted, placement->id);
        if (placement->idempotency_key == NULL)
            continue;
        g_assert_null(find_key(store, placement));
        MemoryKey key = { placement->customer_id,
                          placement->idempotency_key,
                          { .state = ORDER_KEY_USED, .order_id = placement->id } };
        memcpy(key.answer.request_hash, placement->request_hash, ORDER_HASH_BYTES);
        g_array_append_val(store->keys, key);
    }
    return true;
}

static bool may_move(const MemoryOrder *order, const OrderStatus *from, size_t n_from)
{
    for (size_t i = 0; i < n_from; i++) {
        if (order->status == from[i])
            return true;
    }
    return false;
}

static void assert_distinct(const OrderMove *moves, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            g_assert_false(ch_uuid_equal(moves[i].order.id, moves[k].order.id) &&
                           ch_uuid_equal(moves[i].order.owner, moves[k].order.owner));
    }
}

static bool move(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                 size_t n_from, GArray **changes, GError **error)
{
    MemoryOrders *store = (MemoryOrders *)self;
    if (!store_called(&store->calls, "move", n, error))
        return false;
    assert_distinct(moves, n);
    *changes = g_array_new(FALSE, TRUE, sizeof(OrderChange));
    for (size_t i = 0; i < n; i++) {
        g_array_append_val(store->moves, moves[i]);
        MemoryOrder *order = find_order(store, moves[i].order.id);
        if (order == NULL || !order_is_there_for(&moves[i].order, order->customer_id) ||
            !may_move(order, from, n_from))
            continue;
        OrderStatus was = order->status;
        order->status = moves[i].to;
        g_array_append_val(store->history, *order);
        OrderChange change = {
            .id = order->id,
            .customer_id = order->customer_id,
            .status = order->status,
            .was = was,
            .reason = moves[i].reason,
            .trace = moves[i].trace,
        };
        g_array_append_val(*changes, change);
    }
    return true;
}

static bool announce(OrderStore *self, const OrderChange *changes, size_t n, GError **error)
{
    MemoryOrders *store = (MemoryOrders *)self;
    if (!store_called(&store->calls, "announce", n, error))
        return false;
    g_array_append_vals(store->announced, changes, (guint)n);
    return true;
}

static bool announce_created(OrderStore *self, Order *const *orders G_GNUC_UNUSED,
                             const ChTrace *traces G_GNUC_UNUSED, size_t n, GError **error)
{
    return store_called(&((MemoryOrders *)self)->calls, "announce_created", n, error);
}

static bool statuses(OrderStore *self, const OrderAsked *asked, size_t n, OrderStatus *found,
                     GError **error)
{
    MemoryOrders *store = (MemoryOrders *)self;
    if (!store_called(&store->calls, "statuses", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        const MemoryOrder *order = find_order(store, asked[i].id);
        bool there = order != NULL && order_is_there_for(&asked[i], order->customer_id);
        found[i] = there ? order->status : 0;
    }
    return true;
}

static void free_store(OrderStore *self)
{
    memory_orders_free((MemoryOrders *)self);
}

const OrderStoreOps memory_orders_ops = {
    .look_up = look_up,
    .insert = insert,
    .move = move,
    .announce = announce,
    .announce_created = announce_created,
    .statuses = statuses,
    .free = free_store,
};

MemoryOrders *memory_orders_new(void)
{
    MemoryOrders *store = g_new0(MemoryOrders, 1);
    store->base.ops = &memory_orders_ops;
    store->orders = g_array_new(FALSE, FALSE, sizeof(MemoryOrder));
    store->prices = g_array_new(FALSE, FALSE, sizeof(OrderPrice));
    store->keys = g_array_new(FALSE, FALSE, sizeof(MemoryKey));
    store->inserted = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    store->moves = g_array_new(FALSE, FALSE, sizeof(OrderMove));
    store->history = g_array_new(FALSE, FALSE, sizeof(MemoryOrder));
    store->announced = g_array_new(FALSE, FALSE, sizeof(OrderChange));
    store_calls_init(&store->calls);
    return store;
}

void memory_orders_free(MemoryOrders *store)
{
    if (store == NULL)
        return;
    g_array_unref(store->orders);
    g_array_unref(store->prices);
    g_array_unref(store->keys);
    g_array_unref(store->inserted);
    g_array_unref(store->moves);
    g_array_unref(store->history);
    g_array_unref(store->announced);
    store_calls_clear(&store->calls);
    g_free(store);
}

static void copy_all(GArray *to, const GArray *from)
{
    g_array_append_vals(to, from->data, from->len);
}

MemoryOrders *memory_orders_copy(const MemoryOrders *orders)
{
    MemoryOrders *copy = memory_orders_new();
    copy->base.ops = orders->base.ops;
    copy_all(copy->orders, orders->orders);
    copy_all(copy->prices, orders->prices);
    copy_all(copy->keys, orders->keys);
    copy_all(copy->inserted, orders->inserted);
    copy_all(copy->moves, orders->moves);
    copy_all(copy->history, orders->history);
    copy_all(copy->announced, orders->announced);
    return copy;
}

void memory_orders_begin(MemoryOrders *orders)
{
    g_string_truncate(orders->calls.text, 0);
}

void memory_orders_add(MemoryOrders *store, ChUuid id, OrderStatus status)
{
    MemoryOrder order = { id, fake_id(900), status, 0 };
    g_array_append_val(store->orders, order);
}

OrderStatus memory_orders_status(const MemoryOrders *store, ChUuid id)
{
    const MemoryOrder *order = find_order(store, id);
    g_assert_nonnull(order);
    return order->status;
}
