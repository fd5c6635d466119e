/* From the order service's events to the use cases that take and give back stock. @queue: what
 * carries the event; @store: of the lane that handles it, or that asks for replay blockers. */
#pragma once

#include "chassis/messaging/subscription.h"
#include "stock/application/ports.h"

/** OrderCreatedEvent takes stock; its commands are StockOrders. */
ChSubscriptionConfig stock_created_subscription(const ChQueue *queue, StockStore *store);

/** OrderCancelledEvent gives it back; its commands are StockCancellations. */
ChSubscriptionConfig stock_cancelled_subscription(const ChQueue *queue, StockStore *store);
