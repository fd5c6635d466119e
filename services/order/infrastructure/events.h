/* The events of the order service, as outbox rows (docs/contract.md, 1). */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

#define ORDER_EVENTS_EXCHANGE "order.events.topic"

/* The EventId of each event follows from its order and the status that it tells of. */

/** Queues one OrderCreatedEvent for each placement; @again: they were announced before.
 * Errors: as ch_outbox_add(). */
CH_MUST_CHECK bool order_events_created(ChPg *pg, const OrderPlacement *const *placements, size_t n,
                                        bool again, GError **error);

/** The same for orders that were announced before. */
CH_MUST_CHECK bool order_events_created_again(ChPg *pg, Order *const *orders, const ChTrace *traces,
                                              size_t n, GError **error);

/** Queues an OrderConfirmedEvent or OrderCancelledEvent for each change. Errors the same. */
CH_MUST_CHECK bool order_events_changed(ChPg *pg, const OrderChange *changes, size_t n,
                                        GError **error);
