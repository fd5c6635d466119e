/* Locking in one order of products: two batches cannot wait for each other. */
#include "stock/application/levels.h"

#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
    return ch_uuid_compare(*(const ChUuid *)a, *(const ChUuid *)b);
}

static int compare_level(const void *id, const void *level)
{
    return ch_uuid_compare(*(const ChUuid *)id, ((const StockLevel *)level)->product_id);
}

bool stock_levels_lock(StockStore *store, GArray *ids, StockLevels *levels, GError **error)
{
    g_array_sort(ids, compare_ids);
    levels->levels = g_new0(StockLevel, ids->len);
    levels->changed = g_new0(bool, ids->len);
    levels->n = 0;
    for (guint i = 0; i < ids->len; i++) {
        ChUuid id = g_array_index(ids, ChUuid, i);
        if (levels->n == 0 || !ch_uuid_equal(levels->levels[levels->n - 1].product_id, id))
            levels->levels[levels->n++].product_id = id;
    }
    return levels->n == 0 || store->ops->lock(store, levels->levels, levels->n, error);
}

StockLevel *stock_levels_get(StockLevels *levels, ChUuid product_id)
{
    StockLevel *level =
        bsearch(&product_id, levels->levels, levels->n, sizeof *levels->levels, compare_level);
    g_assert(level != NULL);
    return level;
}

void stock_levels_touch(StockLevels *levels, const StockLevel *level)
{
    levels->changed[level - levels->levels] = true;
}

bool stock_levels_save(StockLevels *levels, StockStore *store, GError **error)
{
    g_autofree StockLevel *changed = g_new(StockLevel, levels->n);
    size_t n = 0;
    for (size_t i = 0; i < levels->n; i++) {
        if (levels->changed[i])
            changed[n++] = levels->levels[i];
    }
    return n == 0 || store->ops->save(store, changed, n, error);
}

void stock_levels_clear(StockLevels *levels)
{
    g_free(levels->levels);
    g_free(levels->changed);
}
