/* The port of resending on PostgreSQL. */
#pragma once

#include "chassis/postgres/connection.h"
#include "notification/application/resend.h"

/** Borrows @pg. Thread: that of @pg. */
NotificationResendStore *notification_pg_resend_store_new(ChPg *pg);
