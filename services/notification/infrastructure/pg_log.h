/* What clients look at of notifications, on PostgreSQL. */
#pragma once

#include "chassis/postgres/connection.h"
#include "notification/application/ports.h"

/** On @pg, which it borrows; for the lane that owns @pg. Free with notification_log_free(). */
NotificationLog *notification_pg_log_new(ChPg *pg);
