/* Webhooks on PostgreSQL. Borrows @pg, which belongs to the lane. (They are noted with the
 * notifications, by the statement that notes those: pg_notifications.c.) */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "notification/application/webhooks.h"

NotificationWebhookStore *notification_pg_webhooks_new(ChPg *pg);
