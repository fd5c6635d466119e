/* What clients change of templates, on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "notification/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. */
NotificationTemplateStore *notification_pg_templates_new(ChPg *pg);
