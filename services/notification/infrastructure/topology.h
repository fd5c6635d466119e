/* What the notification service owns on the broker (docs/contract.md, 1). */
#pragma once

#include "chassis/rabbitmq/topology.h"
#include "notification/application/notifications.h"

extern const ChQueue notification_queues[NOTIFICATION_CODES_N]; /* by what their events tell */
extern const ChTopology notification_topology;
