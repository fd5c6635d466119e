/* The stock store in memory. The slots of readers are empty: no use case here reads. */
#include "memory.h"

#include <string.h>

static Memory *memory_of(StockStore *self)
{
    return ((MemoryStock *)self)->memory;
}

/* ---- the slots that take ---- */

static bool reserve(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                    GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t *reservation = &memory->facts.stock[number_of(order_ids[i])].reservation;
        fresh[i] = *reservation == RESERVATION_NONE || memory->bug == BUG_NO_RESERVATION;
        if (fresh[i])
            *reservation = RESERVATION_TAKEN;
    }
    return true;
}

static bool decided(StockStore *self, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                    GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t reservation = memory->facts.stock[number_of(order_ids[i])].reservation;
        outcomes[i] = reservation == RESERVATION_TAKEN     ? STOCK_TAKEN
                      : reservation == RESERVATION_REFUSED ? STOCK_INSUFFICIENT
                                                           : STOCK_SETTLED;
    }
    return true;
}

static bool refuse(StockStore *self, const StockResult *refused, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(refused[i].order->order_id);
        memory->facts.stock[number].reservation = RESERVATION_REFUSED;
    }
    return true;
}

static bool lock(StockStore *self, StockLevel *levels, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(levels[i].product_id);
        levels[i].exists = memory->facts.products[number].exists != 0;
        levels[i].quantity = memory->facts.products[number].quantity;
    }
    return true;
}

static bool save(StockStore *self, const StockLevel *levels, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(levels[i].product_id);
        memory->facts.products[number].exists = levels[i].exists;
        memory->facts.products[number].quantity = levels[i].exists ? levels[i].quantity : 0;
    }
    return true;
}

static bool record(StockStore *self, const StockMovement *movements, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned product = number_of(movements[i].product_id);
        unsigned order = number_of(movements[i].order_id);
        if (ch_uuid_is_nil(movements[i].order_id)) {
            memory->facts.products[product].edited += movements[i].delta;
            continue;
        }
        Lines *lines = strcmp(movements[i].kind, "taken") == 0
                           ? &memory->facts.stock[order].took[product]
                           : &memory->facts.stock[order].gave[product];
        lines->lines++;
        lines->quantity += ABS(movements[i].delta);
    }
    return true;
}

static bool announce(StockStore *self, const StockResult *results, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(results[i].order->order_id);
        if (results[i].outcome == STOCK_TAKEN)
            memory->facts.stock[number].taken++;
        else
            memory->facts.stock[number].refused++;
    }
    return true;
}

/* ---- the slots that give back ---- */

static void clear_release(void *release)
{
    g_free(((StockRelease *)release)->items);
}

static StockRelease release_of(const Memory *memory, ChUuid order)
{
    StockRelease release = { order, g_new(StockItem, PRODUCTS), 0 };
    for (unsigned product = 0; product < PRODUCTS; product++) {
        const Lines *took = &memory->facts.stock[number_of(order)].took[product];
        if (took->lines > 0)
            release.items[release.n_items++] =
                (StockItem){ product_id(memory->run, product), took->quantity };
    }
    return release;
}

static bool release(StockStore *self, const ChUuid *order_ids, size_t n, GArray **releases,
                    GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    *releases = g_array_new(FALSE, FALSE, sizeof(StockRelease));
    g_array_set_clear_func(*releases, clear_release);
    for (size_t i = 0; i < n; i++) {
        int64_t *reservation = &memory->facts.stock[number_of(order_ids[i])].reservation;
        bool held = *reservation == RESERVATION_TAKEN ||
                    (memory->bug == BUG_RELEASE_UNGUARDED && *reservation == RESERVATION_RELEASED);
        if (*reservation == RESERVATION_NONE && memory->bug != BUG_NO_TOMBSTONE)
            *reservation = RESERVATION_TOMBSTONE;
        if (!held)
            continue;
        *reservation = RESERVATION_RELEASED;
        StockRelease given = release_of(memory, order_ids[i]);
        g_array_append_val(*releases, given);
    }
    return true;
}

static bool give_back(StockStore *self, const StockItem *items, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(items[i].product_id);
        memory->facts.products[number].exists = 1;
        memory->facts.products[number].quantity += items[i].quantity;
    }
    return true;
}

static bool announce_releases(StockStore *self, const StockRelease *releases, const ChTrace *traces,
                              size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    (void)traces;
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++)
        memory->facts.stock[number_of(releases[i].order_id)].released++;
    return true;
}

static bool create(StockStore *self, const StockItem *items, size_t n, bool *created,
                   GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(items[i].product_id);
        created[i] = memory->facts.products[number].exists == 0;
        if (!created[i])
            continue;
        memory->facts.products[number].exists = 1;
        memory->facts.products[number].quantity = items[i].quantity;
    }
    return true;
}

const StockStoreOps memory_stock_ops = {
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
};
