/* What the order service owns on the broker (docs/contract.md, 1). */
#pragma once

#include "chassis/rabbitmq/topology.h"

enum {
    ORDER_QUEUE_STOCK_COMPLETED,
    ORDER_QUEUE_STOCK_FAILED,
    ORDER_QUEUE_DIGESTS,
    ORDER_QUEUES_N,
};

extern const ChQueue order_queues[ORDER_QUEUES_N];
extern const ChTopology order_topology;
