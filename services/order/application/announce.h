/* Announcing an order again, for when its event was lost behind the broker's confirm: a queue
 * was purged, or removed with what was in it. */
#pragma once

#include "order/application/ports.h"

typedef enum {
    ORDER_ANNOUNCE_DONE,
    ORDER_ANNOUNCE_UNKNOWN, /* there is no such order */
    ORDER_ANNOUNCE_OPEN, /* it is not final, and was not asked for: the watch does it by itself */
} OrderAnnounceResult;

typedef struct {
    OrderAnnounceResult result;
    OrderStatus status; /* of DONE */
} OrderAnnounceOutcome;

typedef struct {
    ChUuid id;
    bool open_too; /* also one that is not final */
    bool dry_run;  /* says what would be done */
    ChTrace trace;
} OrderAnnouncement;

/** Sends the last event of the order again, under the EventId that it always had: whoever knows the
 * event does nothing. That of an open order is another announcement of it, which is answered again
 * (docs/contract.md, 1.4). Errors: the ports'. Thread: the lane that owns both, inside its open
 * transaction. */
CH_MUST_CHECK bool order_announce_again(OrderReads *reads, OrderStore *store,
                                        const OrderAnnouncement *wanted,
                                        OrderAnnounceOutcome *outcome, GError **error);
