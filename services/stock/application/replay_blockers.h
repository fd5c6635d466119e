/* Why handling an event about an order (again) would have no effect. The caller owns
 * all arrays. Errors: the store's, for the batch as a whole. Thread: the lane that owns @store,
 * inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** Why stock_take() of orders[0..n) now would have no effect: blockers[i] is new text, or NULL when
 * it would decide the order. Changes nothing. */
CH_MUST_CHECK bool stock_take_replay_blockers(StockStore *store, const StockOrder *const *orders,
                                              size_t n, char **blockers, GError **error);

/** The same of stock_release(). */
CH_MUST_CHECK bool stock_release_replay_blockers(StockStore *store,
                                                 const StockCancellation *const *cancellations,
                                                 size_t n, char **blockers, GError **error);
