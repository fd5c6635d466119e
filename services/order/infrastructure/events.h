/* The events of the order service, as outbox rows (docs/contract.md, 1). */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

#define ORDER_EVENTS_EXCHANGE "order.events.topic"

/** Queues one OrderCreatedEvent for each placement. Errors: as ch_outbox_add(). */
CH_MUST_CHECK bool order_events_created(ChPg *pg, const OrderPlacement *const *placements, size_t n,
                                        GError **error);

/** Queues an OrderConfirmedEvent or OrderCancelledEvent for each change, under an EventId that
 * follows from the order and its status. Errors the same. */
CH_MUST_CHECK bool order_events_changed(ChPg *pg, const OrderChange *changes, size_t n,
                                        GError **error);
