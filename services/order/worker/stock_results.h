/* From the stock service's events to the use case that settles orders. Their commands are
 * OrderStockResults. @queue: what carries the event; @context is of the lane that handles it, or
 * that asks for replay blockers. */
#pragma once

#include "chassis/messaging/subscription.h"
#include "order/application/ports.h"
#include "order/application/progress.h"

/** What a lane works on. */
typedef struct {
    OrderStore *store;       /* the lane's */
    OrderProgress *progress; /* shared by the lanes */
} OrderStockResultsContext;

/** OrderStockProcessCompletedDomainEvent confirms orders. */
ChSubscriptionConfig order_stock_completed_subscription(const ChQueue *queue,
                                                        OrderStockResultsContext *context);

/** OrderStockProcessFailedDomainEvent cancels them. */
ChSubscriptionConfig order_stock_failed_subscription(const ChQueue *queue,
                                                     OrderStockResultsContext *context);
