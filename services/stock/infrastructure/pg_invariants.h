/* What is always true of stock: checks of the auditor. */
#pragma once

#include "chassis/messaging/auditor.h"

enum {
    STOCK_INVARIANTS_N = 3
};

extern const ChAuditorCheck stock_invariants[STOCK_INVARIANTS_N];

/** What is told of orders: the units that are held for each. */
extern const ChOutcomes stock_outcomes;
