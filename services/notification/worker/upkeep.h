/* What keeps the logs small and quiet: old webhooks are deleted, old notifications are emptied of
 * what they tell of customers, and who takes no webhooks is sent none. */
#pragma once

#include "chassis/core/ticker.h"
#include "notification/application/ports.h"
#include "notification/application/webhooks.h"

enum {
    NOTIFICATION_UPKEEP_MS = 5 * 1000,
};

/** Of one lane; borrowed, but for the numbers. */
typedef struct {
    NotificationStore *notifications;
    NotificationWebhookStore *webhooks;
    ChTicker *ticker;
    int64_t text_retention_ms, webhook_retention_ms;
} NotificationUpkeep;

/** The lane's ChHandler; a NotificationUpkeep is its context and @items its tick. */
bool notification_upkeep_run(void *upkeep, void *const *items, size_t n, GError **error);
