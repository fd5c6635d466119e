/* The audit log and HTTP: what requests changed goes into it, and who may reads it. */
#pragma once

#include "chassis/audit/audit_log.h"
#include "chassis/http/change.h"

/** A ChHttpRecorder: adds to the audit log of @pg, a ChPg, what the handlers of @requests noted. */
bool ch_audit_record(void *pg, ChHttpRequest *const *requests, size_t n, GError **error);

/** The reason that who asked gave in the header X-Reason; new, NULL: none. */
char *ch_audit_reason(const ChHttpRequest *request);

/** GET /api/audit, for a lane of lists: the rows of @log. */
bool ch_audit_api_list(ChAuditLog *log, ChHttpRequest *const *requests, size_t n, GError **error);

/** The parameters that it knows, for the table of routes. */
#define CH_AUDIT_QUERY "createdAfter, createdBefore, cursor, limit, objectId, sort, subject"
