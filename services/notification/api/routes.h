/* The HTTP routes of the notification service (docs/contract.md, 2.4). */
#pragma once

#include "chassis/http/router.h"
#include "notification/application/ports.h"

enum {
    NOTIFICATION_ROUTES_N = 7
};

/** The lanes that answer and what each works with; all borrowed. */
typedef struct {
    ChHttpQueue *writes;
    NotificationTemplateStore *write_templates;
    ChHttpQueue *reads;
    NotificationTemplateStore *read_templates;
    NotificationStore *read_log;
} NotificationApiParts;

void notification_routes(const NotificationApiParts *parts,
                         ChHttpRoute routes[NOTIFICATION_ROUTES_N]);
