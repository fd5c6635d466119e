/* Subscriptions on PostgreSQL. Borrow @pg, which belongs to the lane. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "notification/application/subscription_ports.h"

NotificationSubscriptionStore *notification_pg_subscription_store_new(ChPg *pg);
NotificationSubscriptionReads *notification_pg_subscription_reads_new(ChPg *pg);
