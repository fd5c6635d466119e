/* What the lanes work on: the contexts of their handlers. */
#pragma once

#include "chassis/audit/audit_log.h"
#include "notification/application/ports.h"
#include "notification/application/resend.h"
#include "notification/application/subscription_ports.h"

typedef struct {
    NotificationTemplateStore *templates;
    NotificationSubscriptionStore *subscriptions;
    NotificationResendStore *resends;
} NotificationWrites;

typedef struct {
    NotificationTemplateReads *templates;
    NotificationSubscriptionReads *subscriptions;
} NotificationReads;

typedef struct {
    NotificationTemplateReads *templates;
    NotificationSubscriptionReads *subscriptions;
    NotificationLog *log;
    ChAuditLog *audit;
    ChPg *pg; /* on which these work; messages are looked for there */
} NotificationLists;
