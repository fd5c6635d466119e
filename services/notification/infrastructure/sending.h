/* What the channels share: the time they have, and how they are told to stop. */
#pragma once

#include <stdbool.h>

enum {
    NOTIFICATION_SEND_BUDGET_MS = 10 * 1000,  /* for a batch; after it nothing new is begun */
    NOTIFICATION_SEND_TIMEOUT_MS = 10 * 1000, /* of one message */
};

/** true: the process stops; what is not under way yet is given back. */
typedef struct {
    bool (*cancelled)(void *context);
    void *context;
} NotificationCancellation;
