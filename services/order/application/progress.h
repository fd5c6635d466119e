/* How far the stock service has come: the time of the newest announcement that it has answered. An
 * answer names it: with our stock service an announcement that was made again, by an id that tells
 * its time. Otherwise, and with a stock service of others, whose ids may be any, it is the time at
 * which the order was placed, by the order's own id.
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

/** Notes what results[0..n) answer. Where neither id tells a time (version 7 does), or one that is
 * to come, they are passed over. Any thread. */
void order_progress_note(OrderProgress *progress, const OrderStockResult *const *results, size_t n);

/** The time of the newest, microseconds since 1970 UTC; 0: unknown. Any thread. */
int64_t order_progress_us(OrderProgress *progress);
