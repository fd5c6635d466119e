/* What receipt and sending change of notifications, on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "notification/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. */
NotificationStore *notification_pg_store_new(ChPg *pg);
