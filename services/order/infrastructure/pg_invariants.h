/* What is always true of orders: checks of the auditor. */
#pragma once

#include "chassis/messaging/auditor.h"

enum {
    ORDER_INVARIANTS_N = 1
};

extern const ChAuditorCheck order_invariants[ORDER_INVARIANTS_N];
