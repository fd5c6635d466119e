/* The order service's exchange and queues. */
#include "order/infrastructure/topology.h"

#include "chassis/messaging/outcomes_event.h"
#include "order/infrastructure/events.h"

const ChQueue order_queues[ORDER_QUEUES_N] = {
    [ORDER_QUEUE_STOCK_COMPLETED] = { "order.stock.completed", "stock.events.topic",
                                      "OrderStockProcessCompletedDomainEvent", "order.dlq" },
    [ORDER_QUEUE_STOCK_FAILED] = { "order.stock.fail", "stock.events.topic",
                                   "OrderStockProcessFailedDomainEvent", "order.dlq" },
    /* sent to by its name; every queue is bound to something */
    [ORDER_QUEUE_DIGESTS] = { CH_OUTCOMES_QUEUE, ORDER_EVENTS_EXCHANGE, CH_OUTCOMES_EVENT,
                              "order.dlq" },
};

const ChTopology order_topology = { ORDER_EVENTS_EXCHANGE, order_queues, ORDER_QUEUES_N };
