/* What the notification service erases of a customer: addresses, texts and reasons. */
#pragma once

#include "chassis/messaging/erasure.h"

enum {
    NOTIFICATION_ERASURE_PARTS = 1
};

extern const ChErasurePart notification_erasure[NOTIFICATION_ERASURE_PARTS];
