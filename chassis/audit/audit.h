/* The audit log: who changed what, in the transaction of the change. Its rows are chained by a
 * hash, one link a transaction (docs/decisions/0078-an-audit-log-that-shows-changes.md). */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

/** What an update of audit_log may set, and nothing else: the chain stays whole. */
#define CH_AUDIT_ERASED "address = null, why = null, salt = null"

/** One change. All texts are borrowed; NULL where there is none but for subject, action, object. */
typedef struct {
    const char *subject;
    const char *roles;
    const char *scope;
    const char *token_id;
    const char *action;
    const char *object; /* its kind, "order" */
    ChUuid object_id;
    const char *before; /* JSON; NULL: it was not there */
    const char *after;  /* JSON; NULL: it is there no more */
    ChTrace trace;
    /* What may have to be erased: */
    const char *address;
    const char *why;
} ChAuditEntry;

/** Adds @entries, one at least, in their order, in the open transaction of @pg: once in it, and as
 * its last statement, because whoever adds entries too waits until it ends. Nothing is waited for
 * here. Errors: as ch_pg_send(). */
CH_MUST_CHECK bool ch_audit_add(ChPg *pg, const ChAuditEntry *entries, size_t n, GError **error);
