/* OutcomesDigestEvent: written by whoever tells, read by the order worker (docs/contract.md, 1). */
#pragma once

#include "chassis/core/digest.h"
#include "chassis/core/violations.h"
#include "chassis/messaging/event.h"

#define CH_OUTCOMES_EVENT "OutcomesDigestEvent"
#define CH_OUTCOMES_QUEUE "order.digests"

enum {
    CH_OUTCOMES_MOST_OPEN = 500, /* so many in the list: there may be more */
};

/** What a service has of the orders after one and up to another. */
typedef struct {
    ChUuid after, up_to;
    int64_t taken_us;             /* it was looked at then or later */
    int64_t settled_us;           /* what was changed before then has to be over */
    int64_t confirmed_through_us; /* confirmations from before then are over, too; 0: as all else */
    int64_t cancelled_through_us; /* the same of cancellations */
    GArray *open;                 /* of ChUuid: orders with dead letters; owned */
    ChDigest digest;
} ChOutcomesDigest;

/** Frees what it owns. */
void ch_outcomes_digest_clear(ChOutcomesDigest *digest);

/** The whole envelope of an event, @id, with which @service tells @digest. */
GString *ch_outcomes_event(ChUuid id, const char *service, const ChOutcomesDigest *digest);

/** Reads all of the event's @data but the service into @digest, which is all zero; clear it in any
 * case. */
void ch_outcomes_event_read(ChJsonValue data, ChOutcomesDigest *digest, ChViolations *violations);
