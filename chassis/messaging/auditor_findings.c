/* A finding is the same as long as laps go on seeing it. */
#include "chassis/messaging/auditor_findings.h"

#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"

enum {
    MOST_FINDINGS = 1000, /* of a check: whoever has more looks at the tables */
};

/* $1 check, $2 lap, $3 subjects, $4 faults, $5 how many there may be. Returns the new ones. */
static const ChPgStatement sql_note_findings = {
    "with found as materialized ("
    "  select distinct on (subject) subject, fault from unnest($3, $4) as f (subject, fault)"
    "   order by subject),"
    " known as ("
    "  update auditor_findings a set lap = $2, fault = f.fault, last_seen = now() from found f"
    "   where a.check_name = $1 and a.subject = f.subject returning a.subject),"
    " fresh as ("
    "  insert into auditor_findings (check_name, subject, fault, lap)"
    "   select $1, subject, fault, $2 from found"
    "    where subject not in (select subject from known) order by subject"
    "    limit greatest(0, $5 - (select count(*) from auditor_findings where check_name = $1))"
    "   on conflict do nothing returning subject, fault)"
    " select subject, fault from fresh order by subject",
    { CH_PG_TEXT, CH_PG_INT, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_INT },
};
enum {
    FRESH_SUBJECT,
    FRESH_FAULT,
};

/* $1 check, $2 lap. */
static const ChPgStatement sql_forget_findings = {
    "delete from auditor_findings where check_name = $1 and lap < $2 returning subject",
    { CH_PG_TEXT, CH_PG_INT },
};

/* $1 check, $2 lap, $3 after, $4 up to, $5 kept. Texts of ids in lower case are in their order. */
static const ChPgStatement sql_forget_range = {
    "delete from auditor_findings where check_name = $1 and lap < $2"
    " and subject collate \"C\" > $3::text and subject collate \"C\" <= $4::text"
    " and subject <> all($5::text[]) returning subject",
    { CH_PG_TEXT, CH_PG_INT, CH_PG_UUID, CH_PG_UUID, CH_PG_UUIDS },
};

/* $1 check. */
static const ChPgStatement sql_count_findings = {
    "select count(*) from auditor_findings where check_name = $1",
    { CH_PG_TEXT },
};

CH_GAUGE(findings, "cartwheel_auditor_findings",
         "invariants that do not hold: rows of auditor_findings", "check");

bool ch_auditor_findings_count(ChPg *pg, const char *check, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_count_findings);
    ch_pg_add_text(params, 0, check);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    ch_metric_set(ch_metric(&findings, check), (double)ch_pg_int(rows, 0, 0));
    return true;
}

bool ch_auditor_findings_note(ChPg *pg, const char *check, int64_t lap,
                              const ChAuditorFault *faults, size_t n, GError **error)
{
    if (n == 0)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_note_findings);
    ch_pg_add_text(params, 0, check);
    ch_pg_add_int(params, 1, lap);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_text(params, 2, faults[i].subject);
        ch_pg_add_text(params, 3, faults[i].fault);
    }
    ch_pg_add_int(params, 4, MOST_FINDINGS);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        ch_log_error("an invariant does not hold", CH_STR("check", check),
                     CH_STR("subject", ch_pg_text(rows, row, FRESH_SUBJECT)),
                     CH_STR("fault", ch_pg_text(rows, row, FRESH_FAULT)));
    return ch_auditor_findings_count(pg, check, error);
}

/* Consumes @forgetting. */
static bool forget(ChPg *pg, const char *check, ChPgParams *forgetting, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, forgetting, error);
    if (rows == NULL)
        return false;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        ch_log_info("an invariant holds again", CH_STR("check", check),
                    CH_STR("subject", ch_pg_text(rows, row, 0)));
    return ch_auditor_findings_count(pg, check, error);
}

bool ch_auditor_findings_end_lap(ChPg *pg, const char *check, int64_t lap, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_forget_findings);
    ch_pg_add_text(params, 0, check);
    ch_pg_add_int(params, 1, lap);
    return forget(pg, check, params, error);
}

bool ch_auditor_findings_end_range(ChPg *pg, const char *check, int64_t lap, ChUuid after,
                                   ChUuid up_to, const ChUuid *kept, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_forget_range);
    ch_pg_add_text(params, 0, check);
    ch_pg_add_int(params, 1, lap);
    ch_pg_add_uuid(params, 2, after);
    ch_pg_add_uuid(params, 3, up_to);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 4, kept[i]);
    return forget(pg, check, params, error);
}
