/* The use cases of the stock service. Each takes n commands and gives n outcomes; "no" is an
 * outcome, an error is for the batch as a whole (UNAVAILABLE or FAILED from the store). The caller
 * owns all arrays. Thread: the lane that owns @store, inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** Takes stock for each order that can have all its items, in the order given, and announces what
 * became of each. An order that was decided before takes nothing more, but its result is announced
 * again, unless it was cancelled since: who asks under a new event id has not heard the answer.
 * outcomes[i] answers orders[i]; NULL: nobody asks. */
CH_MUST_CHECK bool stock_take(StockStore *store, const StockOrder *const *orders, size_t n,
                              StockOutcome *outcomes, GError **error);

/** Gives back what each cancelled order took, once. An order that has not come yet will take
 * nothing. */
CH_MUST_CHECK bool stock_release(StockStore *store, const StockCancellation *const *cancellations,
                                 size_t n, GError **error);

/** Refuses an order that could not be processed and announces it; *announced is false when it was
 * decided before. */
CH_MUST_CHECK bool stock_give_up(StockStore *store, const StockOrder *order, bool *announced,
                                 GError **error);

/** Why stock_take() of orders[0..n) now would have no effect: blockers[i] is new text, or NULL when
 * it would decide the order. Changes nothing. */
CH_MUST_CHECK bool stock_take_replay_blockers(StockStore *store, const StockOrder *const *orders,
                                              size_t n, char **blockers, GError **error);

/** The same of stock_release(). */
CH_MUST_CHECK bool stock_release_replay_blockers(StockStore *store,
                                                 const StockCancellation *const *cancellations,
                                                 size_t n, char **blockers, GError **error);

/** Applies operators' changes; creations first, then the others in the order given.
 * outcomes[i] answers edits[i]. */
CH_MUST_CHECK bool stock_edit(StockStore *store, const StockEdit *edits, size_t n,
                              StockEditOutcome *outcomes, GError **error);
