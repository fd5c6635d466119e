/* Changing the status of orders: by their stock's result, or by their customer.
 *
 * Each takes n commands and gives n outcomes; "no" is an outcome, an error is for the batch as a
 * whole (UNAVAILABLE or FAILED from the store). The caller owns all arrays. Thread: the lane that
 * owns @store, inside its open transaction. */
#pragma once

#include "order/application/ports.h"

/** Cancels each order unless it is cancelled; a confirmed one can be, and its stock is given back.
 * outcomes[i] answers cancellations[i]. */
CH_MUST_CHECK bool order_cancel(OrderStore *store, const OrderCancellation *cancellations, size_t n,
                                OrderCancelOutcome *outcomes, GError **error);

/** Confirms or cancels each order that is still Created by what became of its stock. Late and
 * repeated results change nothing. FAILED when a result is for an order that does not exist. */
CH_MUST_CHECK bool order_settle_stock(OrderStore *store, const OrderStockResult *const *results,
                                      size_t n, GError **error);

/** Cancels each of the orders ids[0..n), which are distinct, that is still Created: nobody told in
 * time what became of its stock. *given_up: how many. An answer that comes later changes nothing,
 * and stock that was taken is given back, as for any cancelled order. */
CH_MUST_CHECK bool order_give_up(OrderStore *store, const ChUuid *ids, size_t n, int64_t *given_up,
                                 GError **error);

/** Why settling results[0..n) now would have no effect: blockers[i] is new text, or NULL when
 * order_settle_stock() would move the order. Changes nothing. */
CH_MUST_CHECK bool order_settle_replay_blockers(OrderStore *store,
                                                const OrderStockResult *const *results, size_t n,
                                                char **blockers, GError **error);
