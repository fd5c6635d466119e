/* The order service's exchange and queues. */
#include "order/infrastructure/topology.h"

#include "order/infrastructure/events.h"

const ChQueue order_queues[ORDER_QUEUES_N] = {
    [ORDER_QUEUE_STOCK_COMPLETED] = { "order.stock.completed", "stock.events.topic",
                                      "OrderStockProcessCompletedDomainEvent", "order.dlq" },
    [ORDER_QUEUE_STOCK_FAILED] = { "order.stock.fail", "stock.events.topic",
                                   "OrderStockProcessFailedDomainEvent", "order.dlq" },
};

const ChTopology order_topology = { ORDER_EVENTS_EXCHANGE, order_queues, ORDER_QUEUES_N };
