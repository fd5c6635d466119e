/* Giving back the stock of cancelled orders. */
#include "stock/application/release.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "stock/application/levels.h"

static GArray *products_of(const GArray *releases)
{
    GArray *products = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    for (guint i = 0; i < releases->len; i++) {
        const StockRelease *release = &g_array_index(releases, StockRelease, i);
        for (size_t k = 0; k < release->n_items; k++)
            g_array_append_val(products, release->items[k].product_id);
    }
    return products;
}

/* A deleted product is not put on sale again by a cancellation: what comes back is written off. */
static void write_off(GArray *movements, const StockItem *item, const StockCancellation *cause)
{
    StockMovement movement = {
        .product_id = item->product_id,
        .delta = -item->quantity,
        .kind = "deleted",
        .reason = (char *)"given back after the product was deleted",
        .actor = (char *)cause->actor,
    };
    g_array_append_val(movements, movement);
    ch_log_warning("stock of a deleted product was given back and is written off",
                   CH_ID("product_id", item->product_id), CH_INT("quantity", item->quantity),
                   CH_ID("order_id", cause->order_id), CH_TRACE(cause->trace));
}

static void give_back_item(StockLevels *levels, GArray *movements, const StockItem *item,
                           const StockCancellation *cause)
{
    StockMovement movement = {
        .product_id = item->product_id,
        .delta = item->quantity,
        .kind = "released",
        .order_id = cause->order_id,
        .reason = (char *)cause->reason,
        .actor = (char *)cause->actor,
    };
    StockLevel *level = stock_levels_get(levels, item->product_id);
    g_array_append_val(movements, movement);
    if (level->exists) {
        level->quantity += item->quantity;
        stock_levels_touch(levels, level);
    } else {
        write_off(movements, item, cause);
    }
}

static bool give_back(StockStore *store, const GArray *releases,
                      const StockCancellation *const *causes, GError **error)
{
    g_auto(StockLevels) levels = { .n = 0 };
    g_autoptr(GArray) products = products_of(releases);
    g_autoptr(GArray) movements = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    if (!stock_levels_lock(store, products, &levels, error))
        return false;
    for (guint i = 0; i < releases->len; i++) {
        const StockRelease *release = &g_array_index(releases, StockRelease, i);
        for (size_t k = 0; k < release->n_items; k++)
            give_back_item(&levels, movements, &release->items[k], causes[i]);
    }
    return stock_levels_save(&levels, store, error) &&
           store->ops->record(store, (const StockMovement *)(void *)movements->data, movements->len,
                              error);
}

/* The cancellation that caused each release; the array is new. */
static const StockCancellation **causes_of(const GArray *releases, GHashTable *by_order)
{
    const StockCancellation **causes = g_new(const StockCancellation *, releases->len);
    for (guint i = 0; i < releases->len; i++) {
        const StockRelease *release = &g_array_index(releases, StockRelease, i);
        causes[i] = g_hash_table_lookup(by_order, &release->order_id);
        g_assert(causes[i] != NULL);
        ch_log_info("stock given back", CH_ID("order_id", release->order_id),
                    CH_TRACE(causes[i]->trace));
    }
    return causes;
}

static bool announce(StockStore *store, const GArray *releases,
                     const StockCancellation *const *causes, GError **error)
{
    g_autofree ChTrace *traces = g_new(ChTrace, releases->len);
    for (guint i = 0; i < releases->len; i++)
        traces[i] = causes[i]->trace;
    CH_FAULT_ON("before_event", "release");
    return store->ops->announce_releases(store, (const StockRelease *)(void *)releases->data,
                                         traces, releases->len, error);
}

bool stock_release(StockStore *store, const StockCancellation *const *cancellations, size_t n,
                   GError **error)
{
    g_autoptr(GHashTable) by_order = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autoptr(GArray) releases = NULL;
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        const ChUuid *id = &cancellations[i]->order_id;
        if (g_hash_table_insert(by_order, (void *)id, (void *)cancellations[i]))
            ids[distinct++] = *id;
    }
    if (!store->ops->release(store, ids, distinct, &releases, error))
        return false;
    if (releases->len == 0)
        return true;
    g_autofree const StockCancellation **causes = causes_of(releases, by_order);
    return give_back(store, releases, causes, error) && announce(store, releases, causes, error);
}

/* Whether it holds stock that it should not. */
static StockReleaseResult judge(StockReservation reservation, bool is_cancelled)
{
    switch (reservation) {
    case STOCK_RESERVATION_NONE:
        return STOCK_RELEASE_UNKNOWN;
    case STOCK_RESERVATION_TAKEN:
        return is_cancelled ? STOCK_RELEASE_DONE : STOCK_RELEASE_OPEN;
    case STOCK_RESERVATION_REFUSED:
    case STOCK_RESERVATION_RELEASED:
    case STOCK_RESERVATION_CANCELLED:
        return STOCK_RELEASE_NOTHING;
    }
    g_assert_not_reached(); /* the table's own check allows no other number */
}

bool stock_release_held(StockStore *store, const StockCancellation *wanted,
                        StockReleaseOutcome *outcome, GError **error)
{
    StockReservation reservation = STOCK_RESERVATION_NONE;
    bool is_cancelled = false;
    if (!store->ops->reservations(store, &wanted->order_id, 1, &reservation, error) ||
        !store->ops->told_cancelled(store, &wanted->order_id, 1, &is_cancelled, error))
        return false;
    StockReleaseResult result = judge(reservation, is_cancelled);
    if (result == STOCK_RELEASE_DONE) {
        if (!stock_release(store, &wanted, 1, error))
            return false;
        reservation = STOCK_RESERVATION_RELEASED;
    }
    *outcome = (StockReleaseOutcome){ result, reservation };
    return true;
}
