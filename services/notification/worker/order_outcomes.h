/* From the order service's events to the use case that notes notifications. */
#pragma once

#include "chassis/messaging/subscription.h"

/** ChSubscriptionConfig.decode of OrderConfirmedEvent: a NotificationEvent. */
void *notification_confirmed_decode(const ChEvent *event, ChViolations *violations);

/** The same of OrderCancelledEvent. */
void *notification_cancelled_decode(const ChEvent *event, ChViolations *violations);

/** ChSubscriptionConfig.handle of both; @store is the lane's NotificationStore. */
bool notification_events_handle(void *store, void *const *events, size_t n, GError **error);

/** ChSubscriptionConfig.replay_blockers of both; @store is the lane's NotificationStore. */
bool notification_events_replay_blockers(void *store, void *const *events, size_t n,
                                         char **blockers, GError **error);
