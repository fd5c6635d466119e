/* Placing orders, each idempotency key once, at prices that are known. */
#pragma once

#include "order/application/ports.h"

/** Places each order whose idempotency key, if it has one, is new, and whose prices are known: what
 * is left out is taken from the list, into @placements. Of equal new keys in one batch the first is
 * placed and the others are in flight. outcomes[i] answers placements[i]; the caller owns both.
 * Errors: the store's, for the batch as a whole. Thread: the lane that owns @store,
 * inside its open transaction. */
CH_MUST_CHECK bool order_place(OrderStore *store, OrderPlacement *const *placements, size_t n,
                               OrderPlaceOutcome *outcomes, GError **error);
