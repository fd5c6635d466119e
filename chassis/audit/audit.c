/* Entries and their link, in one statement. */
#include "chassis/audit/audit.h"

#include "chassis/audit/audit_digest.h"

/* $1 ids, $2 subjects, $3 roles, $4 scopes, $5 tokens' ids, $6 actions, $7 objects, $8 their ids,
 * $9 before, $10 after, $11 traces, $12 addresses, $13 reasons. The row of the head is locked until
 * the transaction ends, so that numbers have no gap and links no fork. */
/* clang-format off */
static const ChPgStatement sql_add_entries = {
    "with entry as materialized ("
    "  select *, now() as happened_at,"
    "    case when coalesce(address, why) is not null then uuid_send(gen_random_uuid()) end as salt"
    "  from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb[], $10::jsonb[], $11, $12, $13)"
    "    with ordinality as e (id, subject, roles, scope, token_id, action, object, object_id,"
    "                          before, after, trace_id, address, why, place)),"
    " erasable as materialized ("
    "  select *, sha256(salt || convert_to(json_build_array(address, why)::text, 'UTF8'))"
    "    as erasable_sha256"
    "  from entry),"
    " batch as ("
    "  select count(*) as n, string_agg(" CH_AUDIT_SHA256_OF(CH_AUDIT_ROW_TEXTS) ", ''::bytea order by place)"
    "    as digests"
    "  from erasable),"
    " head as ("
    "  update audit_head h set number = h.number + b.n, link = sha256(h.link || b.digests)"
    "  from batch b returning h.number, h.link, b.n)"
    " insert into audit_log (id, number, happened_at, subject, roles, scope, token_id, action,"
    "   object, object_id, before, after, trace_id, address, why, salt, erasable_sha256, link)"
    " select id, head.number - head.n + place, happened_at, subject, roles, scope, token_id, action,"
    "   object, object_id, before, after, trace_id, address, why, salt, erasable_sha256,"
    "   case when place = head.n then head.link end"
    " from erasable, head",
    { CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS,
      CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS },
};
/* clang-format on */

static void add_entry(ChPgParams *params, const ChAuditEntry *entry)
{
    char trace_id[CH_TRACE_ID_BYTES];
    ch_trace_id_format(entry->trace, trace_id);
    ch_pg_add_uuid(params, 0, ch_uuid_new());
    ch_pg_add_text(params, 1, entry->subject);
    ch_pg_add_text(params, 2, entry->roles);
    ch_pg_add_text(params, 3, entry->scope);
    ch_pg_add_text(params, 4, entry->token_id);
    ch_pg_add_text(params, 5, entry->action);
    ch_pg_add_text(params, 6, entry->object);
    ch_pg_add_uuid(params, 7, entry->object_id);
    ch_pg_add_text(params, 8, entry->before);
    ch_pg_add_text(params, 9, entry->after);
    ch_pg_add_text(params, 10, ch_trace_is_set(entry->trace) ? trace_id : NULL);
    ch_pg_add_text(params, 11, entry->address);
    ch_pg_add_text(params, 12, entry->why);
}

bool ch_audit_add(ChPg *pg, const ChAuditEntry *entries, size_t n, GError **error)
{
    g_assert(n > 0);
    ChPgParams *params = ch_pg_params_new(&sql_add_entries);
    for (size_t i = 0; i < n; i++)
        add_entry(params, &entries[i]);
    return ch_pg_send(pg, params, NULL, error);
}
