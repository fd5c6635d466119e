/* One piece of one check a run; the next run comes when this one is a hundredth of the time. */
#include "chassis/messaging/auditor.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/messaging/auditor_findings.h"
#include "chassis/telemetry/metrics.h"

#include <stdatomic.h>

enum {
    PARTS = 125,      /* of the time; the rest of a hundredth is for the commit */
    FIRST_ROWS = 200, /* of a piece; then as many as take SHORT_US to LONG_US */
    LEAST_ROWS = 50,
    MOST_ROWS = 20000,
    ENOUGH_ROWS = 1000 * 1000, /* even where a smaller piece cannot get on */
    SHORT_US = 5 * 1000,
    LONG_US = 20 * 1000,
    LEAST_LAP_MS = 100,
};

/* Pieces are cut to LONG_US: one that took far longer waited for its server, which costs nobody
 * anything, and must not put off the next for minutes. */
static const int64_t MOST_REST_US = INT64_C(10) * G_USEC_PER_SEC;

/* Storage may spoil what nobody wrote. */
static const int64_t UNWRITTEN_LAP_US = INT64_C(3600) * G_USEC_PER_SEC;

/* Rows that anybody ever wrote, but for the auditor and what it tells, which is on its way once a
 * minute: statistics in memory, no table. */
static const ChPgStatement sql_count_written = {
    "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables"
    " where relname not in ('auditor_checks', 'auditor_findings', 'outbox', 'inbox')",
    { CH_PG_NONE },
};

/* $1 name. Another copy has what is locked. */
static const ChPgStatement sql_claim_check = {
    "select position, lap, case when position = '' then 0"
    " else (extract(epoch from now() - began_at) * 1000)::bigint end"
    " from auditor_checks where name = $1 for update skip locked",
    { CH_PG_TEXT },
};
enum {
    CLAIM_POSITION,
    CLAIM_LAP,
    CLAIM_LASTS_MS,
};

/* $1 name. */
static const ChPgStatement sql_insert_check = {
    "insert into auditor_checks (name) values ($1) on conflict do nothing",
    { CH_PG_TEXT },
};

/* $1 name, $2 position, $3 lap. */
static const ChPgStatement sql_advance_check = {
    "update auditor_checks set position = $2, lap = $3,"
    " began_at = case when position = '' then now() else began_at end where name = $1",
    { CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT },
};

/* Columns of each ChAuditorCheck's look. */
enum {
    LOOK_POSITION,
    LOOK_ROWS,
    LOOK_SUBJECT,
    LOOK_FAULT,
};

CH_COUNTER(rows_total, "cartwheel_auditor_rows_total", "rows that the auditor looked at", "check");
CH_HISTOGRAM(run_seconds, "cartwheel_auditor_run_seconds",
             "time that one piece took; all of them together are a hundredth of a core at most",
             NULL, CH_BUCKETS_SECONDS);
CH_GAUGE(lap_seconds, "cartwheel_auditor_lap_seconds",
         "from the beginning to the end of a table, the last time", "check");

typedef struct {
    ChAuditorCheck check;
    int64_t rows; /* of the next piece */
} Check;

struct ChAuditor {
    ChPg *pg;
    ChTicker *ticker;
    int64_t lap_us;
    Check *checks;
    size_t n;
    size_t current;             /* n: between two laps */
    bool is_large;              /* the last piece could not be cut: what it took was work */
    int64_t lap;                /* of the current check, as this lap began; 0: not known yet */
    int64_t written;            /* rows, as of the beginning of the lap */
    int64_t latest_us;          /* monotonic: a lap begins then, whether anybody wrote or not */
    int64_t due_us;             /* monotonic: the next piece, not before */
    ChOutcomesTeller *teller;   /* NULL: nobody compares */
    _Atomic int64_t charged_us; /* what telling and others took, and was not rested for yet */
};

/* What became of a piece. */
typedef struct {
    int64_t looked;
    bool moved; /* the position did */
} Piece;

/* ---- laps ---- */

static void next_check(ChAuditor *auditor)
{
    auditor->current++;
    auditor->lap = 0;
}

/* Begins one when somebody wrote since the last one began. */
static bool begin_lap(ChAuditor *auditor, GError **error)
{
    int64_t now_us = ch_time_monotonic_us();
    g_autoptr(ChPgRows) rows =
        ch_pg_query(auditor->pg, ch_pg_params_new(&sql_count_written), error);
    if (rows == NULL)
        return false;
    int64_t written = ch_pg_int(rows, 0, 0);
    if (written == auditor->written && now_us < auditor->latest_us)
        return true;
    auditor->written = written;
    auditor->latest_us = now_us + UNWRITTEN_LAP_US;
    auditor->current = 0;
    auditor->lap = 0;
    return true;
}

static bool advance(ChAuditor *auditor, const char *name, const char *position, int64_t lap,
                    GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_advance_check);
    ch_pg_add_text(params, 0, name);
    ch_pg_add_text(params, 1, position);
    ch_pg_add_int(params, 2, lap);
    return ch_pg_send(auditor->pg, params, NULL, error) && ch_pg_wait(auditor->pg, error);
}

static bool end_lap(ChAuditor *auditor, const char *name, const ChPgRows *claim, GError **error)
{
    int64_t lap = ch_pg_int(claim, 0, CLAIM_LAP);
    if (!advance(auditor, name, "", lap + 1, error) ||
        !ch_auditor_findings_end_lap(auditor->pg, name, lap, error))
        return false;
    ch_metric_set(ch_metric(&lap_seconds, name),
                  (double)ch_pg_int(claim, 0, CLAIM_LASTS_MS) / 1000.0);
    next_check(auditor);
    return true;
}

/* ---- pieces ---- */

static ChPgRows *with_name(ChAuditor *auditor, const ChPgStatement *statement, const char *name,
                           GError **error)
{
    ChPgParams *params = ch_pg_params_new(statement);
    ch_pg_add_text(params, 0, name);
    return ch_pg_query(auditor->pg, params, error);
}

/* What is wrong in a piece. */
static GArray *faults_in(const ChPgRows *rows)
{
    GArray *faults = g_array_new(FALSE, FALSE, sizeof(ChAuditorFault));
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChAuditorFault fault = { ch_pg_text(rows, row, LOOK_SUBJECT),
                                 ch_pg_text(rows, row, LOOK_FAULT) };
        if (fault.fault != NULL)
            g_array_append_val(faults, fault);
    }
    return faults;
}

static bool look(ChAuditor *auditor, const Check *check, const ChPgRows *claim, Piece *piece,
                 GError **error)
{
    const char *name = check->check.name;
    const char *position = ch_pg_text(claim, 0, CLAIM_POSITION);
    ChPgParams *params = ch_pg_params_new(check->check.look);
    ch_pg_add_text(params, 0, position);
    ch_pg_add_int(params, 1, check->rows);
    g_autoptr(ChPgRows) rows = ch_pg_query(auditor->pg, params, error);
    if (rows == NULL)
        return false;
    g_autoptr(GArray) faults = faults_in(rows);
    if (!ch_auditor_findings_note(auditor->pg, name, ch_pg_int(claim, 0, CLAIM_LAP),
                                  (const ChAuditorFault *)(void *)faults->data, faults->len, error))
        return false;
    size_t n = ch_pg_rows_count(rows);
    piece->looked = n == 0 ? 0 : ch_pg_int(rows, n - 1, LOOK_ROWS);
    if (piece->looked == 0)
        return end_lap(auditor, name, claim, error);
    const char *next = ch_pg_text(rows, n - 1, LOOK_POSITION);
    piece->moved = !g_str_equal(next, position);
    ch_metric_add(ch_metric(&rows_total, name), piece->looked);
    return advance(auditor, name, next, ch_pg_int(claim, 0, CLAIM_LAP), error);
}

/* So that the next piece takes a moment, and gets on. */
static void adapt(Check *check, const Piece *piece, int64_t took_us)
{
    if (piece->looked > 0 && !piece->moved)
        check->rows = MIN(check->rows * 2, ENOUGH_ROWS);
    else if (took_us > LONG_US)
        check->rows = MAX(check->rows / 2, LEAST_ROWS);
    else if (took_us < SHORT_US && piece->looked >= check->rows)
        check->rows = MIN(check->rows * 2, MOST_ROWS);
}

static bool look_on(ChAuditor *auditor, GError **error)
{
    Check *check = &auditor->checks[auditor->current];
    int64_t start_us = ch_time_monotonic_us();
    auditor->is_large = check->rows > MOST_ROWS;
    g_autoptr(ChPgRows) claim = with_name(auditor, &sql_claim_check, check->check.name, error);
    if (claim == NULL)
        return false;
    if (ch_pg_rows_count(claim) == 0) { /* of another copy now, or new */
        g_autoptr(ChPgRows) made = with_name(auditor, &sql_insert_check, check->check.name, error);
        return made != NULL;
    }
    if (auditor->lap == 0)
        auditor->lap = ch_pg_int(claim, 0, CLAIM_LAP);
    if (auditor->lap != ch_pg_int(claim, 0, CLAIM_LAP)) { /* another copy has ended it */
        const char *name = check->check.name;
        next_check(auditor);
        return ch_auditor_findings_count(auditor->pg, name, error);
    }
    Piece piece = { 0, false };
    if (!look(auditor, check, claim, &piece, error))
        return false;
    adapt(check, &piece, ch_time_monotonic_us() - start_us);
    return true;
}

/* ---- the handler ---- */

static bool run_once(ChAuditor *auditor, GError **error)
{
    if (auditor->current == auditor->n && !begin_lap(auditor, error))
        return false;
    return auditor->current == auditor->n || look_on(auditor, error);
}

/* The database refuses what was asked, and will again: the others go on. */
static void pass_over(ChAuditor *auditor, bool is_telling, const GError *why)
{
    ch_pg_rollback(auditor->pg);
    ch_log_drop();
    ch_log_hold();
    bool between_laps = auditor->current == auditor->n;
    const char *name = between_laps ? NULL : auditor->checks[auditor->current].check.name;
    ch_log_error("the auditor cannot look", CH_STR("check", is_telling ? "outcomes" : name),
                 CH_ERR(why));
    if (is_telling)
        ch_outcomes_teller_put_off(auditor->teller);
    else if (!between_laps)
        next_check(auditor);
}

static bool fail(ChAuditor *auditor, bool is_telling, GError *why, GError **error)
{
    if (!ch_error_is_unavailable(why)) {
        pass_over(auditor, is_telling, why);
        g_error_free(why);
        return true;
    }
    if (ch_pg_timed_out(auditor->pg) && is_telling)
        ch_outcomes_teller_put_off(auditor->teller);
    else if (ch_pg_timed_out(auditor->pg) && auditor->current < auditor->n)
        auditor->checks[auditor->current].rows = LEAST_ROWS;
    g_propagate_error(error, why);
    return false;
}

void ch_auditor_charge(ChAuditor *auditor, int64_t took_us)
{
    atomic_fetch_add(&auditor->charged_us, took_us);
}

/* What telling and others took is rested for, too. */
static void plan(ChAuditor *auditor, int64_t start_us)
{
    int64_t charged_us = atomic_exchange(&auditor->charged_us, 0);
    auditor->due_us = ch_time_again_us(start_us - charged_us, PARTS) + charged_us;
    if (!auditor->is_large)
        auditor->due_us = MIN(auditor->due_us, ch_time_monotonic_us() + MOST_REST_US);
    if (auditor->current == auditor->n)
        auditor->due_us = MAX(auditor->due_us, ch_time_monotonic_us() + auditor->lap_us);
}

static void sleep_until_due(ChAuditor *auditor)
{
    int64_t due_us = auditor->due_us;
    if (auditor->teller != NULL)
        due_us = MIN(due_us, ch_outcomes_teller_due_us(auditor->teller));
    int64_t wait_us = MAX(due_us - ch_time_monotonic_us(), 0);
    ch_ticker_next(auditor->ticker, wait_us, wait_us);
}

bool ch_auditor_run(void *context, void *const *items G_GNUC_UNUSED, size_t n G_GNUC_UNUSED,
                    GError **error)
{
    ChAuditor *auditor = context;
    int64_t start_us = ch_time_monotonic_us();
    bool is_telling =
        auditor->teller != NULL && ch_outcomes_teller_due_us(auditor->teller) <= start_us;
    GError *why = NULL;
    bool ok = is_telling ? ch_outcomes_teller_run(auditor->teller, &why) : run_once(auditor, &why);
    if (!ok && !fail(auditor, is_telling, why, error))
        return false;
    ch_metric_observe_since(ch_metric(&run_seconds, NULL), start_us);
    if (is_telling)
        ch_auditor_charge(auditor, ch_time_monotonic_us() - start_us);
    else
        plan(auditor, start_us);
    sleep_until_due(auditor);
    return true;
}

/* ---- life ---- */

ChAuditor *ch_auditor_new(ChPg *pg, ChTicker *ticker, int64_t lap_ms, const ChAuditorCheck *checks,
                          size_t n)
{
    ChAuditor *auditor = g_new0(ChAuditor, 1);
    auditor->pg = pg;
    auditor->ticker = ticker;
    auditor->lap_us = INT64_C(1000) * MAX(lap_ms, LEAST_LAP_MS);
    auditor->checks = g_new0(Check, n);
    auditor->n = n;
    auditor->current = n;
    auditor->written = -1;
    for (size_t i = 0; i < n; i++)
        auditor->checks[i] = (Check){ checks[i], FIRST_ROWS };
    return auditor;
}

void ch_auditor_tell(ChAuditor *auditor, ChOutcomesTeller *teller)
{
    auditor->teller = teller;
}

void ch_auditor_free(ChAuditor *auditor)
{
    if (auditor == NULL)
        return;
    g_free(auditor->checks);
    g_free(auditor);
}
