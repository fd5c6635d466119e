/* Giving back the stock of cancelled orders. */
#include "stock/application/release.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"

/* What goes back to each product, summed, ascending. */
static bool give_back(StockStore *store, const GArray *releases, GError **error)
{
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(StockItem));
    for (guint i = 0; i < releases->len; i++) {
        const StockRelease *release = &g_array_index(releases, StockRelease, i);
        g_array_append_vals(items, release->items, (guint)release->n_items);
    }
    StockItem *all = (StockItem *)(void *)items->data;
    return store->ops->give_back(store, all, stock_items_merge(all, items->len), error);
}

static bool record(StockStore *store, const GArray *releases, GError **error)
{
    g_autoptr(GArray) movements = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    for (guint i = 0; i < releases->len; i++) {
        const StockRelease *release = &g_array_index(releases, StockRelease, i);
        for (size_t k = 0; k < release->n_items; k++) {
            StockMovement movement = {
                .product_id = release->items[k].product_id,
                .delta = release->items[k].quantity,
                .kind = "released",
                .order_id = release->order_id,
            };
            g_array_append_val(movements, movement);
        }
    }
    return store->ops->record(store, (const StockMovement *)(void *)movements->data, movements->len,
                              error);
}

/* The trace of the cancellation that caused each release. */
static ChTrace *traces_of(const GArray *releases, GHashTable *by_order)
{
    ChTrace *traces = g_new0(ChTrace, releases->len);
    for (guint i = 0; i < releases->len; i++) {
        const StockRelease *release = &g_array_index(releases, StockRelease, i);
        const StockCancellation *cause = g_hash_table_lookup(by_order, &release->order_id);
        g_assert(cause != NULL);
        traces[i] = cause->trace;
        ch_log_info("stock given back", CH_ID("order_id", release->order_id), CH_TRACE(traces[i]));
    }
    return traces;
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
    g_autofree ChTrace *traces = traces_of(releases, by_order);
    if (!give_back(store, releases, error) || !record(store, releases, error))
        return false;
    CH_FAULT_ON("before_event", "release");
    return store->ops->announce_releases(store, (const StockRelease *)(void *)releases->data,
                                         traces, releases->len, error);
}
