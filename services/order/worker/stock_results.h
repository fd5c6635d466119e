/* From the stock service's events to the use case that settles orders. */
#pragma once

#include "chassis/messaging/subscription.h"
#include "order/application/ports.h"
#include "order/application/progress.h"

/** What the lane of a queue of results works on. */
typedef struct {
    OrderStore *store;       /* the lane's */
    OrderProgress *progress; /* shared by the lanes */
} OrderStockResultsContext;

/** ChSubscriptionConfig.decode of OrderStockProcessCompletedDomainEvent: an OrderStockResult. */
void *order_stock_completed_decode(const ChEvent *event, ChViolations *violations);

/** The same of OrderStockProcessFailedDomainEvent. */
void *order_stock_failed_decode(const ChEvent *event, ChViolations *violations);

/** ChSubscriptionConfig.free_command of both. */
void order_stock_results_free(void *result);

/** ChSubscriptionConfig.handle of both; @context is the lane's OrderStockResultsContext. */
bool order_stock_results_handle(void *context, void *const *results, size_t n, GError **error);

/** ChSubscriptionConfig.replay_blockers of both; @store is the lane's OrderStore. */
bool order_stock_results_replay_blockers(void *store, void *const *results, size_t n,
                                         char **blockers, GError **error);
