/* Where the audit log stands, told outside the database: who cuts off its newest rows cannot take
 * back what logs and metrics have of them. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/pipeline.h"

typedef struct {
    ChPg *pg;       /* borrowed */
    int64_t due_us; /* monotonic; 0: at once */
} ChAuditHead;

/** Logs number and link of the last row of a transaction, and sets the metrics, when a minute has
 * passed. In the open transaction of the pg; errors as ch_pg_query(). */
CH_MUST_CHECK bool ch_audit_head_tell(ChAuditHead *head, GError **error);
