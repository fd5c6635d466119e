/* The notification service's queues; it publishes to no exchange. */
#include "notification/infrastructure/topology.h"

#define EVENTS_EXCHANGE "order.events.topic"
#define DEAD_LETTER_EXCHANGE "notification.dlq"

const ChQueue notification_queues[NOTIFICATION_CODES_N] = {
    [NOTIFICATION_ORDER_CONFIRMED] = { "order.confirmed.queue", EVENTS_EXCHANGE,
                                       "OrderConfirmedEvent", DEAD_LETTER_EXCHANGE },
    [NOTIFICATION_ORDER_CANCELLED] = { "order.cancelled.queue", EVENTS_EXCHANGE,
                                       "OrderCancelledEvent", DEAD_LETTER_EXCHANGE },
};

const ChTopology notification_topology = { NULL, notification_queues, NOTIFICATION_CODES_N };
