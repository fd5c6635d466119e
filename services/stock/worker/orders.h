/* From the order service's events to the use cases that take and give back stock. */
#pragma once

#include "chassis/messaging/subscription.h"

/* For the queue of OrderCreatedEvent; see ChSubscriptionConfig. @store is the lane's StockStore. */
void *stock_created_decode(const ChEvent *event, ChViolations *violations);
void stock_created_free(void *order);
bool stock_created_handle(void *store, void *const *orders, size_t n, GError **error);
bool stock_created_give_up(void *store, const ChEvent *event, bool *announced, GError **error);
bool stock_created_replay_blockers(void *store, void *const *orders, size_t n, char **blockers,
                                   GError **error);

/* The same for the queue of OrderCancelledEvent. */
void *stock_cancelled_decode(const ChEvent *event, ChViolations *violations);
void stock_cancelled_free(void *cancellation);
bool stock_cancelled_handle(void *store, void *const *cancellations, size_t n, GError **error);
bool stock_cancelled_replay_blockers(void *store, void *const *cancellations, size_t n,
                                     char **blockers, GError **error);
