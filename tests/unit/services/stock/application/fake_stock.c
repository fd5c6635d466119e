/* The stock store of the unit tests. */
#include "fake_stock.h"

#include <string.h>

/* Notes a call; false when it is the one that fails. */
static bool called(FakeStock *fake, const char *slot, size_t n, GError **error)
{
    g_string_append_printf(fake->calls, "%s(%zu) ", slot, n);
    if (fake->failing == NULL || strcmp(fake->failing, slot) != 0)
        return true;
    g_set_error(error, CH_ERROR, (int)fake->failure, "%s went wrong", slot);
    return false;
}

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

static void set_reservation(FakeStock *fake, ChUuid order_id, FakeReservation state)
{
    g_hash_table_insert(fake->reservations, copy_id(order_id), GINT_TO_POINTER((int)state));
}

/* ---- the slots that take ---- */

static bool reserve(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                    GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    assert_distinct(order_ids, n);
    if (!called(fake, "reserve", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        fresh[i] = fake_stock_reservation(fake, order_ids[i]) == 0;
        if (fresh[i])
            set_reservation(fake, order_ids[i], FAKE_HOLDS);
    }
    return true;
}

static bool decided(StockStore *self, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                    GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    assert_distinct(order_ids, n);
    if (!called(fake, "decided", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        FakeReservation state = fake_stock_reservation(fake, order_ids[i]);
        g_assert_cmpint(state, !=, 0);
        int refusal = GPOINTER_TO_INT(g_hash_table_lookup(fake->refusals, &order_ids[i]));
        outcomes[i] = state == FAKE_HOLDS     ? STOCK_TAKEN
                      : state == FAKE_REFUSED ? (StockOutcome)refusal
                                              : STOCK_SETTLED;
    }
    return true;
}

static bool refuse(StockStore *self, const StockResult *refused, size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!called(fake, "refuse", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        g_assert_nonnull(stock_outcome_error(refused[i].outcome));
        g_assert_cmpint(fake_stock_reservation(fake, refused[i].order->order_id), ==, FAKE_HOLDS);
        set_reservation(fake, refused[i].order->order_id, FAKE_REFUSED);
        g_hash_table_insert(fake->refusals, copy_id(refused[i].order->order_id),
                            GINT_TO_POINTER((int)refused[i].outcome));
    }
    return true;
}

static bool lock(StockStore *self, StockLevel *levels, size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    for (size_t i = 1; i < n; i++)
        assert_ascending(levels[i - 1].product_id, levels[i].product_id);
    if (!called(fake, "lock", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t quantity = fake_stock_quantity(fake, levels[i].product_id);
        levels[i].exists = quantity >= 0;
        levels[i].quantity = MAX(quantity, 0);
        g_hash_table_add(fake->locked, copy_id(levels[i].product_id));
    }
    return true;
}

static bool save(StockStore *self, const StockLevel *levels, size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!called(fake, "save", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_ascending(levels[i - 1].product_id, levels[i].product_id);
        g_assert_true(g_hash_table_contains(fake->locked, &levels[i].product_id));
        g_assert_cmpint(levels[i].quantity, >=, 0);
        if (levels[i].exists)
            fake_stock_put(fake, levels[i].product_id, levels[i].quantity);
        else
            g_hash_table_remove(fake->levels, &levels[i].product_id);
    }
    return true;
}

static bool announce(StockStore *self, const StockResult *results, size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!called(fake, "announce", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        FakeResult result = { results[i].order->order_id, results[i].outcome,
                              results[i].order->trace };
        g_assert_cmpint(result.outcome, !=, STOCK_SETTLED);
        g_array_append_val(fake->results, result);
    }
    return true;
}

static bool record(StockStore *self, const StockMovement *movements, size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    if (!called(fake, "record", n, error))
        return false;
    if (n > 0)
        g_array_append_vals(fake->ledger, movements, (guint)n);
    return true;
}

/* ---- the slots that give back ---- */

static void clear_release(void *release)
{
    g_free(((StockRelease *)release)->items);
}

/* The ledger knows what the order took. */
static StockRelease release_of(const FakeStock *fake, ChUuid order_id)
{
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(StockItem));
    for (guint i = 0; i < fake->ledger->len; i++) {
        const StockMovement *movement = &g_array_index(fake->ledger, StockMovement, i);
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
    FakeStock *fake = (FakeStock *)self;
    assert_distinct(order_ids, n);
    if (!called(fake, "release", n, error))
        return false;
    *releases = g_array_new(FALSE, FALSE, sizeof(StockRelease));
    g_array_set_clear_func(*releases, clear_release);
    for (size_t i = 0; i < n; i++) {
        FakeReservation state = fake_stock_reservation(fake, order_ids[i]);
        if (state == 0)
            set_reservation(fake, order_ids[i], FAKE_TOMBSTONE);
        if (state != FAKE_HOLDS)
            continue;
        set_reservation(fake, order_ids[i], FAKE_RELEASED);
        StockRelease given = release_of(fake, order_ids[i]);
        g_array_append_val(*releases, given);
    }
    return true;
}

static bool give_back(StockStore *self, const StockItem *items, size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    if (!called(fake, "give_back", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_ascending(items[i - 1].product_id, items[i].product_id);
        int64_t quantity = fake_stock_quantity(fake, items[i].product_id);
        fake_stock_put(fake, items[i].product_id, MAX(quantity, 0) + items[i].quantity);
    }
    return true;
}

static bool announce_releases(StockStore *self, const StockRelease *releases, const ChTrace *traces,
                              size_t n, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!called(fake, "announce_releases", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        FakeResult result = { releases[i].order_id, STOCK_SETTLED, traces[i] };
        g_array_append_val(fake->releases, result);
    }
    return true;
}

/* ---- the slots of operators and readers ---- */

static bool create(StockStore *self, const StockItem *items, size_t n, bool *created,
                   GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    g_assert_cmpuint(n, >, 0);
    if (!called(fake, "create", n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        created[i] = fake_stock_quantity(fake, items[i].product_id) < 0;
        if (created[i])
            fake_stock_put(fake, items[i].product_id, items[i].quantity);
    }
    return true;
}

static bool reservations(StockStore *self, const ChUuid *order_ids, size_t n,
                         StockReservation *found, GError **error)
{
    FakeStock *fake = (FakeStock *)self;
    if (!called(fake, "reservations", n, error))
        return false;
    for (size_t i = 0; i < n; i++) /* the fake's numbers are the stored ones */
        found[i] = (StockReservation)fake_stock_reservation(fake, order_ids[i]);
    return true;
}

static bool find(StockStore *self, StockLevel *levels, size_t n, GError **error)
{
    (void)levels;
    return called((FakeStock *)self, "find", n, error);
}

static bool list(StockStore *self, ChUuid after, int64_t limit, GArray **levels, GError **error)
{
    (void)after;
    (void)limit;
    (void)levels;
    return called((FakeStock *)self, "list", 0, error);
}

static bool movements(StockStore *self, ChUuid product_id, ChUuid before, int64_t limit,
                      GArray **lines, GError **error)
{
    (void)product_id;
    (void)before;
    (void)limit;
    (void)lines;
    return called((FakeStock *)self, "movements", 0, error);
}

static void free_store(StockStore *self)
{
    fake_stock_free((FakeStock *)self);
}

static const StockStoreOps ops = {
    .reserve = reserve,
    .decided = decided,
    .refuse = refuse,
    .lock = lock,
    .save = save,
    .give_back = give_back,
    .create = create,
    .record = record,
    .release = release,
    .announce = announce,
    .announce_releases = announce_releases,
    .reservations = reservations,
    .find = find,
    .list = list,
    .movements = movements,
    .free = free_store,
};

FakeStock *fake_stock_new(void)
{
    FakeStock *fake = g_new0(FakeStock, 1);
    fake->base.ops = &ops;
    fake->levels = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, g_free);
    fake->reservations = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    fake->refusals = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    fake->locked = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    fake->ledger = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    fake->results = g_array_new(FALSE, FALSE, sizeof(FakeResult));
    fake->releases = g_array_new(FALSE, FALSE, sizeof(FakeResult));
    fake->calls = g_string_new(NULL);
    return fake;
}

void fake_stock_free(FakeStock *fake)
{
    if (fake == NULL)
        return;
    g_hash_table_unref(fake->levels);
    g_hash_table_unref(fake->reservations);
    g_hash_table_unref(fake->refusals);
    g_hash_table_unref(fake->locked);
    g_array_unref(fake->ledger);
    g_array_unref(fake->results);
    g_array_unref(fake->releases);
    g_string_free(fake->calls, TRUE);
    g_free(fake);
}

void fake_stock_begin(FakeStock *fake)
{
    g_hash_table_remove_all(fake->locked);
    g_string_truncate(fake->calls, 0);
}

void fake_stock_put(FakeStock *fake, ChUuid product_id, int64_t quantity)
{
    g_hash_table_insert(fake->levels, copy_id(product_id), g_memdup2(&quantity, sizeof quantity));
}

int64_t fake_stock_quantity(const FakeStock *fake, ChUuid product_id)
{
    const int64_t *quantity = g_hash_table_lookup(fake->levels, &product_id);
    return quantity != NULL ? *quantity : -1;
}

FakeReservation fake_stock_reservation(const FakeStock *fake, ChUuid order_id)
{
    int state = GPOINTER_TO_INT(g_hash_table_lookup(fake->reservations, &order_id));
    return (FakeReservation)state;
}

int64_t fake_stock_sum(const FakeStock *fake, ChUuid product_id, const char *kind)
{
    int64_t sum = 0;
    for (guint i = 0; i < fake->ledger->len; i++) {
        const StockMovement *movement = &g_array_index(fake->ledger, StockMovement, i);
        if (ch_uuid_equal(movement->product_id, product_id) &&
            (kind == NULL || strcmp(kind, movement->kind) == 0))
            sum += movement->delta;
    }
    return sum;
}

static ChUuid numbered(uint8_t kind, unsigned number)
{
    ChUuid id = { { kind } };
    id.bytes[13] = (uint8_t)(number >> 16);
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

ChUuid fake_product(unsigned number)
{
    return numbered(1, number);
}

ChUuid fake_order(unsigned number)
{
    return numbered(2, number);
}

void assert_same_id(ChUuid a, ChUuid b)
{
    g_assert_true(ch_uuid_equal(a, b));
}
