/* Announcing a final order again, for when its event was lost behind the broker's confirm: a queue
 * was purged, or removed with what was in it. */
#pragma once

#include "order/application/ports.h"

typedef enum {
    ORDER_ANNOUNCE_DONE,
    ORDER_ANNOUNCE_UNKNOWN, /* there is no such order */
    ORDER_ANNOUNCE_OPEN,    /* it is not final: the watch announces it by itself */
} OrderAnnounceResult;

typedef struct {
    OrderAnnounceResult result;
    OrderStatus status; /* of DONE */
} OrderAnnounceOutcome;

/** Sends the last event of the order @id again, under the EventId that it always had: whoever knows
 * the event does nothing. @dry_run: says what would be done. Errors: the ports'. Thread: the lane
 * that owns both, inside its open transaction. */
CH_MUST_CHECK bool order_announce_again(OrderReads *reads, OrderStore *store, ChUuid id,
                                        bool dry_run, ChTrace trace, OrderAnnounceOutcome *outcome,
                                        GError **error);
