/* The levels of the products that a batch touches: locked once, changed in memory, saved once. */
#pragma once

#include "stock/application/ports.h"

typedef struct {
    StockLevel *levels; /* n, ascending */
    size_t n;
    bool *changed; /* n */
} StockLevels;

/** Locks the products of @ids (a GArray of ChUuid, sorted and freed of repetitions here).
 * Clear with stock_levels_clear(). Errors: the store's. */
CH_MUST_CHECK bool stock_levels_lock(StockStore *store, GArray *ids, StockLevels *levels,
                                     GError **error);

/** The level of @product_id, which must be among those locked. */
StockLevel *stock_levels_get(StockLevels *levels, ChUuid product_id);

/** Notes that @level is to be saved. */
void stock_levels_touch(StockLevels *levels, const StockLevel *level);

/** Saves the changed ones. Errors: the store's. */
CH_MUST_CHECK bool stock_levels_save(StockLevels *levels, StockStore *store, GError **error);

void stock_levels_clear(StockLevels *levels);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StockLevels, stock_levels_clear)
