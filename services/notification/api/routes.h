/* The HTTP routes of the notification service (docs/contract.md, 2.4). */
#pragma once

#include "chassis/http/route.h"

/** Lanes; the context of the writes is a NotificationTemplateStore, that of the reads a
 * NotificationReads. */
enum {
    NOTIFICATION_WRITES,
    NOTIFICATION_READS,
};

extern const ChHttpRouteTable notification_routes;
