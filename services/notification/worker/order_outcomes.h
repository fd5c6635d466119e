/* From the order service's events to the use case that notes notifications. Their commands are
 * NotificationEvents. @queue: what carries the event; @store: of the lane that handles it, or that
 * asks for replay blockers. */
#pragma once

#include "chassis/messaging/subscription.h"
#include "notification/application/ports.h"

/** OrderConfirmedEvent. */
ChSubscriptionConfig notification_confirmed_subscription(const ChQueue *queue,
                                                         NotificationStore *store);

/** OrderCancelledEvent. */
ChSubscriptionConfig notification_cancelled_subscription(const ChQueue *queue,
                                                         NotificationStore *store);
