/* What is always true of notifications: checks of the auditor. */
#pragma once

#include "chassis/messaging/auditor.h"

enum {
    NOTIFICATION_INVARIANTS_N = 2
};

extern const ChAuditorCheck notification_invariants[NOTIFICATION_INVARIANTS_N];

/** What is told of orders: the notifications there are of each. */
extern const ChOutcomes notification_outcomes;
