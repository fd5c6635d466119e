/* The HTTP routes of the notification service (docs/contract.md, 2.4). */
#pragma once

#include "chassis/http/route.h"

/** Lanes, and what the context of each is. */
enum {
    NOTIFICATION_WRITES, /* NotificationTemplateStore */
    NOTIFICATION_READS,  /* NotificationTemplateReads */
    NOTIFICATION_LISTS,  /* NotificationLists */
};

extern const ChHttpRouteTable notification_routes;
