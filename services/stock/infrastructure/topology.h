/* What the stock service owns on the broker (docs/contract.md, 1). */
#pragma once

#include "chassis/rabbitmq/topology.h"

enum {
    STOCK_QUEUE_ORDER_CREATED,
    STOCK_QUEUE_ORDER_CANCELLED,
    STOCK_QUEUES_N,
};

extern const ChQueue stock_queues[STOCK_QUEUES_N];
extern const ChTopology stock_topology;
