/* Changes by operators: n commands in, n outcomes out; "no" is an outcome. The caller owns
 * all arrays. Errors: the store's, for the batch as a whole. Thread: the lane that owns @store,
 * inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** Applies operators' changes; creations first, then the others in the order given.
 * outcomes[i] answers edits[i]. */
CH_MUST_CHECK bool stock_edit(StockStore *store, const StockEdit *edits, size_t n,
                              StockEditOutcome *outcomes, GError **error);
