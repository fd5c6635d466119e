/* What senders and clients look at of templates, on PostgreSQL. */
#pragma once

#include "chassis/postgres/connection.h"
#include "notification/application/ports.h"

/** On @pg, which it borrows; for the lane that owns @pg. Free with
 * notification_template_reads_free(). */
NotificationTemplateReads *notification_pg_template_reads_new(ChPg *pg);
