/* From what other services tell of orders to the use case that compares. */
#pragma once

#include "chassis/messaging/auditor.h"
#include "chassis/messaging/subscription.h"
#include "order/application/compare.h"

/** What a lane works on; all borrowed. */
typedef struct {
    OrderCompareStore *store; /* the lane's */
    ChAuditor *auditor;       /* rests for what comparing takes, too */
} OrderDigestsContext;

/** OutcomesDigestEvent is compared. */
ChSubscriptionConfig order_digests_subscription(const ChQueue *queue, OrderDigestsContext *context);

/** Whoever has told nothing since this process began is not compared, and the metrics say so. */
void order_digests_expect(void);
