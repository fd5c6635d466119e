/* What the order service erases of a customer: reasons, idempotency keys, and what parked events
 * say of reasons. Orders, items, amounts and times stay. */
#pragma once

#include "chassis/messaging/erasure.h"

enum {
    ORDER_ERASURE_PARTS = 3
};

extern const ChErasurePart order_erasure[ORDER_ERASURE_PARTS];
