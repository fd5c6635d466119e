/* How far the stock service has come: the time of the newest order event that it has answered.
 *
 * Events are answered in about the order in which they were published, so this is the clock of the
 * whole way from our outbox to its answer. While that way is blocked or slow the clock stands still
 * or lags; an event that is behind it by far was lost. It is the worker's own: after a start it is
 * unknown until the first answer comes. */
#pragma once

#include "order/application/orders.h"

#include <stdatomic.h>

typedef struct {
    _Atomic int64_t newest_us; /* 0: unknown; any thread */
} OrderProgress;

/** Notes the events that results[0..n) answer. Ids that tell no time (version 7 does), or one that
 * is to come, are passed over. Any thread. */
void order_progress_note(OrderProgress *progress, const OrderStockResult *const *results, size_t n);

/** The time of the newest, microseconds since 1970 UTC; 0: unknown. Any thread. */
int64_t order_progress_us(OrderProgress *progress);
