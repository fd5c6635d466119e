/* Taking stock for orders: n commands in, n outcomes out; "no" is an outcome. The caller owns
 * all arrays. Errors: the store's, for the batch as a whole. Thread: the lane that owns @store,
 * inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** Takes stock for each order that can have all its items, in the order given, and announces what
 * became of each. An order that was decided before takes nothing more, but its result is announced
 * again, unless it was cancelled since: who asks under a new event id has not heard the answer.
 * outcomes[i] answers orders[i]; NULL: nobody asks. */
CH_MUST_CHECK bool stock_take(StockStore *store, const StockOrder *const *orders, size_t n,
                              StockOutcome *outcomes, GError **error);

/** Refuses an order that could not be processed and announces it; *announced is false when it was
 * decided before. */
CH_MUST_CHECK bool stock_give_up(StockStore *store, const StockOrder *order, bool *announced,
                                 GError **error);
