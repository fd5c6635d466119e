/* What keeps the log of webhooks small: old ones are deleted, and who takes none is sent none. */
#pragma once

#include "chassis/core/ticker.h"
#include "notification/application/webhooks.h"

enum {
    NOTIFICATION_WEBHOOK_UPKEEP_MS = 5 * 1000,
};

/** Of one lane; borrowed, but for the number. */
typedef struct {
    NotificationWebhookStore *store;
    ChTicker *ticker;
    int64_t retention_ms;
} NotificationWebhookUpkeep;

/** The lane's ChHandler; a NotificationWebhookUpkeep is its context and @items its tick. */
bool notification_webhook_upkeep_run(void *upkeep, void *const *items, size_t n, GError **error);
