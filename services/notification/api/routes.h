/* The HTTP routes of the notification service (docs/contract.md, 2.4). */
#pragma once

#include "chassis/http/route.h"

/** The lanes of its table. */
enum {
    NOTIFICATION_WRITES,
    NOTIFICATION_READS,
    NOTIFICATION_LISTS,
    NOTIFICATION_ERASURES,
    NOTIFICATION_FAILURES,
    NOTIFICATION_LETTERS,
    NOTIFICATION_CONTROLS,
};

extern const ChHttpRouteTable notification_routes;
