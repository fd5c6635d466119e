/* Reading the audit log. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/page.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>

typedef struct ChAuditLog ChAuditLog;

/** The log as @pg, which it borrows, reads it; for the lane that owns @pg. */
ChAuditLog *ch_audit_log_new(ChPg *pg);
void ch_audit_log_free(ChAuditLog *log); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChAuditLog, ch_audit_log_free)

/** A row; texts are owned, NULL where it has none. */
typedef struct {
    ChUuid id;
    int64_t number;
    int64_t happened_us;
    char *subject, *roles, *scope, *token_id;
    char *action, *object;
    ChUuid object_id;
    char *before, *after; /* JSON */
    char *trace_id, *address, *why;
} ChAuditRow;

void ch_audit_row_free(void *row); /* a GDestroyNotify; NULL is fine */

/** Which rows to list. */
typedef struct {
    ChPage page;
    ChUuid object_id;    /* nil: of whatever */
    const char *subject; /* borrowed; NULL: whoever's */
} ChAuditFilter;

/** pages[i]: a new array of ChAuditRow *, owning them, of what filters[i] asks for. Errors: as
 * ch_pg_query(). */
CH_MUST_CHECK bool ch_audit_log_list(ChAuditLog *log, const ChAuditFilter *filters, size_t n,
                                     GPtrArray **pages, GError **error);
