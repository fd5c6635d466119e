/* The stock service's exchange and queues. */
#include "stock/infrastructure/topology.h"

#include "stock/infrastructure/events.h"

const ChQueue stock_queues[STOCK_QUEUES_N] = {
    [STOCK_QUEUE_ORDER_CREATED] = { "stock.ordercreated", "order.events.topic", "OrderCreatedEvent",
                                    "stock.dlq" },
    [STOCK_QUEUE_ORDER_CANCELLED] = { "stock.ordercancelled", "order.events.topic",
                                      "OrderCancelledEvent", "stock.dlq" },
};

const ChTopology stock_topology = { STOCK_EVENTS_EXCHANGE, stock_queues, STOCK_QUEUES_N };
