/* What is paused, at each tick; once a second gauges of the outbox, the inbox's retention, dead
 * letters that are in no group, and the head of the audit log. */
#include "chassis/messaging/housekeeping.h"

#include "chassis/audit/audit_head.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/messaging/failure_filing.h"
#include "chassis/messaging/replay_job_run.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/telemetry/metrics.h"

enum {
    PERIOD_MS = 1000,    /* of all but the controls */
    MEASURE_PARTS = 100, /* one part of the time for counting a long backlog, at most */
    PRUNE_PERIOD_MS = 60 * 1000,
    PRUNE_BATCH = 5000, /* rows in one transaction: it never blocks anyone for long */
    MAX_COUNTED = 1000000,
};

static const ChPgStatement sql_measure_outbox = {
    "select (select count(*) from (select from outbox limit $1) as counted),"
    " coalesce((extract(epoch from now() - (select created_at from outbox order by id limit 1))"
    " * 1000)::bigint, 0),"
    " (select count(*) from outbox_parked)",
    { CH_PG_INT },
};
enum {
    MEASURE_PENDING,
    MEASURE_OLDEST_MS,
    MEASURE_PARKED
};

/* $1: rows from before this time; $2: how many. The block range index finds them. */
static const ChPgStatement sql_prune_inbox = {
    "delete from inbox where ctid = any(array("
    "select ctid from inbox where received_at < $1 limit $2))",
    { CH_PG_TIME, CH_PG_INT },
};

CH_GAUGE(pending, "cartwheel_outbox_pending", "messages waiting to be published", NULL);
CH_GAUGE(oldest_seconds, "cartwheel_outbox_oldest_seconds",
         "age of the oldest message waiting to be published", NULL);
CH_GAUGE(parked, "cartwheel_outbox_parked", "messages given up and waiting for an operator", NULL);
CH_COUNTER(pruned_total, "cartwheel_inbox_pruned_total", "old inbox rows deleted", NULL);

struct ChHousekeeping {
    ChPg *pg;
    ChTicker *ticker;
    ChTicker *jobs; /* of the lane that replays; NULL: none does */
    int64_t inbox_retention_ms;
    ChControls *controls;
    int64_t due_us; /* monotonic, as are the next two */
    int64_t measure_at_us;
    int64_t prune_at_us;
    ChAuditHead audit_head;
};

ChHousekeeping *ch_housekeeping_new(ChPg *pg, ChTicker *ticker, int64_t inbox_retention_ms,
                                    ChControls *controls)
{
    ChHousekeeping *housekeeping = g_new0(ChHousekeeping, 1);
    housekeeping->pg = pg;
    housekeeping->ticker = ticker;
    housekeeping->inbox_retention_ms = inbox_retention_ms;
    housekeeping->controls = controls;
    housekeeping->audit_head.pg = pg;
    return housekeeping;
}

void ch_housekeeping_ring_for_jobs(ChHousekeeping *housekeeping, ChTicker *jobs)
{
    housekeeping->jobs = jobs;
}

void ch_housekeeping_free(ChHousekeeping *housekeeping)
{
    g_free(housekeeping);
}

/* There is more of what a run found. */
static void go_on_at_once(ChHousekeeping *housekeeping)
{
    housekeeping->due_us = 0;
    ch_ticker_again(housekeeping->ticker);
}

static bool measure_outbox(ChHousekeeping *housekeeping, GError **error)
{
    int64_t start_us = ch_time_monotonic_us();
    if (start_us < housekeeping->measure_at_us)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_measure_outbox);
    ch_pg_add_int(params, 0, MAX_COUNTED);
    g_autoptr(ChPgRows) rows = ch_pg_query(housekeeping->pg, params, error);
    if (rows == NULL)
        return false;
    housekeeping->measure_at_us = ch_time_again_us(start_us, MEASURE_PARTS);
    ch_metric_set(ch_metric(&pending, NULL), (double)ch_pg_int(rows, 0, MEASURE_PENDING));
    ch_metric_set(ch_metric(&oldest_seconds, NULL),
                  (double)ch_pg_int(rows, 0, MEASURE_OLDEST_MS) / 1000.0);
    ch_metric_set(ch_metric(&parked, NULL), (double)ch_pg_int(rows, 0, MEASURE_PARKED));
    return true;
}

static bool prune_inbox(ChHousekeeping *housekeeping, GError **error)
{
    if (ch_time_monotonic_us() < housekeeping->prune_at_us)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_prune_inbox);
    ch_pg_add_time(params, 0, ch_time_now_us() - housekeeping->inbox_retention_ms * 1000);
    ch_pg_add_int(params, 1, PRUNE_BATCH);
    g_autoptr(ChPgRows) rows = ch_pg_query(housekeeping->pg, params, error);
    if (rows == NULL)
        return false;
    size_t n = ch_pg_rows_affected(rows);
    ch_metric_add(ch_metric(&pruned_total, NULL), (int64_t)n);
    if (n == PRUNE_BATCH)
        go_on_at_once(housekeeping);
    else
        housekeeping->prune_at_us = ch_time_monotonic_us() + INT64_C(1000) * PRUNE_PERIOD_MS;
    return true;
}

static bool file_letters(ChHousekeeping *housekeeping, GError **error)
{
    bool more = false;
    if (!ch_failure_file_old(housekeeping->pg, &more, error))
        return false;
    if (more)
        go_on_at_once(housekeeping);
    return true;
}

/* The lane that replays seldom has work: whoever is here anyway looks for it. */
static bool look_for_jobs(ChHousekeeping *housekeeping, GError **error)
{
    bool waits = false;
    if (housekeeping->jobs == NULL)
        return true;
    if (!ch_replay_jobs_wait(housekeeping->pg, &waits, error))
        return false;
    if (waits)
        ch_ticker_ring(housekeeping->jobs);
    return true;
}

bool ch_housekeeping_run(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    ChHousekeeping *housekeeping = context;
    int64_t now_us = ch_time_monotonic_us();
    if (!ch_controls_look(housekeeping->controls, housekeeping->pg, error))
        return false;
    if (now_us < housekeeping->due_us)
        return true;
    housekeeping->due_us = now_us + INT64_C(1000) * PERIOD_MS;
    bool done = measure_outbox(housekeeping, error) && prune_inbox(housekeeping, error) &&
                file_letters(housekeeping, error) && look_for_jobs(housekeeping, error) &&
                ch_audit_head_tell(&housekeeping->audit_head, error);
    if (!done)
        housekeeping->due_us = 0;
    return done;
}
