/* Products, reservations and outcomes by id; the ledger and what was announced as they came. */
#include "memory_stock.h"

#include <string.h>

static void *copy_id(ChUuid id)
{
    return g_memdup2(&id, sizeof id);
}

static void assert_ascending(ChUuid before, ChUuid after)
{
    g_assert_cmpint(ch_uuid_compare(before, after), <, 0);
}

static void assert_distinct(const ChUuid *ids, size_t n)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    for (size_t i = 0; i < n; i++)
        g_assert_true(g_hash_table_add(seen, (void *)&ids[i]));
}

/* ---- the slots that take ---- */

static bool reserve(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                    GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    assert_distinct(order_ids, n);
    if (!store_called(&stock->calls, "reserve", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        fresh[i] = memory_stock_reservation(stock, order_ids[i]) == STOCK_RESERVATION_NONE;
        if (fresh[i])
            memory_stock_set_reservation(stock, order_ids[i], STOCK_RESERVATION_TAKEN);
    }
    return true;
}

static bool decided(StockStore *self, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                    GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    assert_distinct(order_ids, n);
    if (!store_called(&stock->calls, "decided", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        StockReservation state = memory_stock_reservation(stock, order_ids[i]);
        g_assert_cmpint(state, !=, STOCK_RESERVATION_NONE);
        int refusal = GPOINTER_TO_INT(g_hash_table_lookup(stock->refusals, &order_ids[i]));
        outcomes[i] = state == STOCK_RESERVATION_TAKEN     ? STOCK_TAKEN
                      : state == STOCK_RESERVATION_REFUSED ? (StockOutcome)refusal
                                                           : STOCK_SETTLED;
    }
    return true;
}

static bool refuse(StockStore *self, const StockResult *refused, size_t n, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!store_called(&stock->calls, "refuse", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        g_assert_nonnull(stock_outcome_error(refused[i].outcome));
        g_assert_cmpint(memory_stock_reservation(stock, refused[i].order->order_id), ==,
                        STOCK_RESERVATION_TAKEN);
        memory_stock_set_reservation(stock, refused[i].order->order_id, STOCK_RESERVATION_REFUSED);
        g_hash_table_insert(stock->refusals, copy_id(refused[i].order->order_id),
                            GINT_TO_POINTER((int)refused[i].outcome));
    }
    return true;
}

static bool lock(StockStore *self, StockLevel *levels, size_t n, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    for (size_t i = 1; i < n; i++)
        assert_ascending(levels[i - 1].product_id, levels[i].product_id);
    if (!store_called(&stock->calls, "lock", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t quantity = memory_stock_quantity(stock, levels[i].product_id);
        levels[i].exists = quantity >= 0;
        levels[i].quantity = MAX(quantity, 0);
        g_hash_table_add(stock->locked, copy_id(levels[i].product_id));
    }
    return true;
}

static bool save(StockStore *self, const StockLevel *levels, size_t n, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!store_called(&stock->calls, "save", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_ascending(levels[i - 1].product_id, levels[i].product_id);
        g_assert_true(g_hash_table_contains(stock->locked, &levels[i].product_id));
        g_assert_cmpint(levels[i].quantity, >=, 0);
        if (levels[i].exists)
            memory_stock_put(stock, levels[i].product_id, levels[i].quantity);
        else
            g_hash_table_remove(stock->levels, &levels[i].product_id);
    }
    return true;
}

static bool announce(StockStore *self, const StockResult *results, size_t n, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!store_called(&stock->calls, "announce", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        StockAnnouncement result = { results[i].order->order_id, results[i].outcome,
                                     results[i].order->trace };
        g_assert_cmpint(result.outcome, !=, STOCK_SETTLED);
        g_array_append_val(stock->results, result);
    }
    return true;
}

static bool record(StockStore *self, const StockMovement *movements, size_t n, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    if (!store_called(&stock->calls, "record", n, error))
        return false;
    if (n > 0)
        g_array_append_vals(stock->ledger, movements, (guint)n);
    return true;
}

/* ---- the slots that give back ---- */

static void clear_release(void *release)
{
    g_free(((StockRelease *)release)->items);
}

/* The ledger knows what the order took. */
static StockRelease release_of(const MemoryStock *stock, ChUuid order_id)
{
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(StockItem));
    for (guint i = 0; i < stock->ledger->len; i++) {
        const StockMovement *movement = &g_array_index(stock->ledger, StockMovement, i);
        StockItem item = { movement->product_id, -movement->delta };
        if (ch_uuid_equal(movement->order_id, order_id) && strcmp(movement->kind, "taken") == 0)
            g_array_append_val(items, item);
    }
    return (StockRelease){ order_id, g_memdup2(items->data, items->len * sizeof(StockItem)),
                           items->len };
}

static bool release(StockStore *self, const ChUuid *order_ids, size_t n, GArray **releases,
                    GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    assert_distinct(order_ids, n);
    if (!store_called(&stock->calls, "release", n, error))
        return false;
    *releases = g_array_new(FALSE, FALSE, sizeof(StockRelease));
    g_array_set_clear_func(*releases, clear_release);
    for (size_t i = 0; i < n; i++) {
        StockReservation state = memory_stock_reservation(stock, order_ids[i]);
        if (state == STOCK_RESERVATION_NONE)
            memory_stock_set_reservation(stock, order_ids[i], STOCK_RESERVATION_CANCELLED);
        if (state != STOCK_RESERVATION_TAKEN)
            continue;
        memory_stock_set_reservation(stock, order_ids[i], STOCK_RESERVATION_RELEASED);
        StockRelease given = release_of(stock, order_ids[i]);
        g_array_append_val(*releases, given);
    }
    return true;
}

static bool announce_releases(StockStore *self, const StockRelease *releases, const ChTrace *traces,
                              size_t n, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!store_called(&stock->calls, "announce_releases", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        StockAnnouncement result = { releases[i].order_id, STOCK_SETTLED, traces[i] };
        g_array_append_val(stock->releases, result);
    }
    return true;
}

/* ---- the slots of operators ---- */

static bool create(StockStore *self, const StockItem *items, size_t n, bool *created,
                   GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!store_called(&stock->calls, "create", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        created[i] = memory_stock_quantity(stock, items[i].product_id) < 0;
        if (created[i])
            memory_stock_put(stock, items[i].product_id, items[i].quantity);
    }
    return true;
}

static bool is_held(const MemoryStock *stock, ChUuid product_id)
{
    for (guint i = 0; i < stock->ledger->len; i++) {
        const StockMovement *movement = &g_array_index(stock->ledger, StockMovement, i);
        if (ch_uuid_equal(movement->product_id, product_id) &&
            strcmp(movement->kind, "taken") == 0 &&
            memory_stock_reservation(stock, movement->order_id) == STOCK_RESERVATION_TAKEN)
            return true;
    }
    return false;
}

static bool held(StockStore *self, const ChUuid *product_ids, size_t n, bool *found, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!store_called(&stock->calls, "held", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        g_assert_true(g_hash_table_contains(stock->locked, &product_ids[i]));
        found[i] = is_held(stock, product_ids[i]);
    }
    return true;
}

static bool told_cancelled(StockStore *self, const ChUuid *order_ids, size_t n, bool *told,
                           GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    if (!store_called(&stock->calls, "told_cancelled", n, error))
        return false;
    for (size_t i = 0; i < n; i++)
        told[i] = ch_uuid_equal(order_ids[i], stock->told_cancelled);
    return true;
}

static bool reservations(StockStore *self, const ChUuid *order_ids, size_t n,
                         StockReservation *found, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    if (!store_called(&stock->calls, "reservations", n, error))
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = memory_stock_reservation(stock, order_ids[i]);
    return true;
}

static void free_store(StockStore *self)
{
    memory_stock_free((MemoryStock *)self);
}

const StockStoreOps memory_stock_ops = {
    .reserve = reserve,
    .decided = decided,
    .refuse = refuse,
    .lock = lock,
    .save = save,
    .held = held,
    .create = create,
    .record = record,
    .release = release,
    .told_cancelled = told_cancelled,
    .announce = announce,
    .announce_releases = announce_releases,
    .reservations = reservations,
    .free = free_store,
};

MemoryStock *memory_stock_new(void)
{
    MemoryStock *stock = g_new0(MemoryStock, 1);
    stock->base.ops = &memory_stock_ops;
    stock->levels = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, g_free);
    stock->reservations = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    stock->refusals = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    stock->locked = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    stock->ledger = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    stock->results = g_array_new(FALSE, FALSE, sizeof(StockAnnouncement));
    stock->releases = g_array_new(FALSE, FALSE, sizeof(StockAnnouncement));
    store_calls_init(&stock->calls);
    return stock;
}

void memory_stock_free(MemoryStock *stock)
{
    if (stock == NULL)
        return;
    g_hash_table_unref(stock->levels);
    g_hash_table_unref(stock->reservations);
    g_hash_table_unref(stock->refusals);
    g_hash_table_unref(stock->locked);
    g_array_unref(stock->ledger);
    g_array_unref(stock->results);
    g_array_unref(stock->releases);
    store_calls_clear(&stock->calls);
    g_free(stock);
}

static void copy_ids(GHashTable *to, GHashTable *from)
{
    GHashTableIter all;
    gpointer id, value;
    g_hash_table_iter_init(&all, from);
    while (g_hash_table_iter_next(&all, &id, &value))
        g_hash_table_insert(to, copy_id(*(ChUuid *)id), value);
}

MemoryStock *memory_stock_copy(const MemoryStock *stock)
{
    MemoryStock *copy = memory_stock_new();
    GHashTableIter levels;
    gpointer id, quantity;
    copy->base.ops = stock->base.ops;
    g_hash_table_iter_init(&levels, stock->levels);
    while (g_hash_table_iter_next(&levels, &id, &quantity))
        memory_stock_put(copy, *(ChUuid *)id, *(int64_t *)quantity);
    copy_ids(copy->reservations, stock->reservations);
    copy_ids(copy->refusals, stock->refusals);
    g_array_append_vals(copy->ledger, stock->ledger->data, stock->ledger->len);
    g_array_append_vals(copy->results, stock->results->data, stock->results->len);
    g_array_append_vals(copy->releases, stock->releases->data, stock->releases->len);
    return copy;
}

void memory_stock_begin(MemoryStock *stock)
{
    g_hash_table_remove_all(stock->locked);
    g_string_truncate(stock->calls.text, 0);
}

void memory_stock_put(MemoryStock *stock, ChUuid product_id, int64_t quantity)
{
    g_hash_table_insert(stock->levels, copy_id(product_id), g_memdup2(&quantity, sizeof quantity));
}

int64_t memory_stock_quantity(const MemoryStock *stock, ChUuid product_id)
{
    const int64_t *quantity = g_hash_table_lookup(stock->levels, &product_id);
    return quantity != NULL ? *quantity : -1;
}

StockReservation memory_stock_reservation(const MemoryStock *stock, ChUuid order_id)
{
    int state = GPOINTER_TO_INT(g_hash_table_lookup(stock->reservations, &order_id));
    return (StockReservation)state;
}

void memory_stock_set_reservation(MemoryStock *stock, ChUuid order_id, StockReservation state)
{
    g_hash_table_insert(stock->reservations, copy_id(order_id), GINT_TO_POINTER((int)state));
}

int64_t memory_stock_sum(const MemoryStock *stock, ChUuid product_id, const char *kind)
{
    int64_t sum = 0;
    for (guint i = 0; i < stock->ledger->len; i++) {
        const StockMovement *movement = &g_array_index(stock->ledger, StockMovement, i);
        if (ch_uuid_equal(movement->product_id, product_id) &&
            (kind == NULL || strcmp(kind, movement->kind) == 0))
            sum += movement->delta;
    }
    return sum;
}
