/* The steps of a job. */
#include "chassis/messaging/replay_job_run.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/messaging/replay_job_trials.h"
#include "chassis/postgres/connection.h"

enum {
    STEPS_A_SECOND = 10, /* so a job obeys soon, and its locks are short */
    REST_US = 1000 * 1000 * 1000,
    FAILED_REST_US = 1000 * 1000,
};

static const ChPgStatement sql_ask_running = {
    "select exists (select from replay_jobs where state = 'running')",
    { CH_PG_NONE },
};

/* The job whose letters are due longest; another worker has those that are locked. */
static const ChPgStatement sql_claim_job = {
    "select j.id, j.queue, j.group_id, j.message_type, j.subject, j.created_at, j.rate,"
    " coalesce(j.stop_failures, 0), coalesce(j.stop_of, 0), j.created_by, j.why, j.total is null,"
    " coalesce(j.last_died, j.since), j.last_id, j.replayed, j.window_replayed, j.window_returned,"
    " (select count(*) from dead_letters l where l.returned_job = j.id), j.dry_run, j.trying"
    " from replay_jobs j where j.state = 'running' and j.due_at <= now()"
    " order by j.due_at limit 1 for update of j skip locked",
    { CH_PG_NONE },
};
enum {
    CLAIM_ID,
    CLAIM_QUEUE,
    CLAIM_GROUP,
    CLAIM_TYPE,
    CLAIM_SUBJECT,
    CLAIM_CREATED_AT,
    CLAIM_RATE,
    CLAIM_STOP_FAILURES,
    CLAIM_STOP_OF,
    CLAIM_CREATED_BY,
    CLAIM_WHY,
    CLAIM_UNCOUNTED,
    CLAIM_LAST_DIED,
    CLAIM_LAST_ID,
    CLAIM_REPLAYED,
    CLAIM_WINDOW_REPLAYED,
    CLAIM_WINDOW_RETURNED,
    CLAIM_RETURNED,
    CLAIM_DRY_RUN,
    CLAIM_TRYING,
};

/* How long until the next letters are due, in microseconds; no row: no job runs. */
static const ChPgStatement sql_ask_next = {
    "select greatest(0, (extract(epoch from due_at - now()) * 1000000)::bigint) from replay_jobs"
    " where state = 'running' order by due_at limit 1",
    { CH_PG_NONE },
};

/* $1 id, $2 total or null, $3 replayed and $4 refused now, $5 and $6 the last letter or null, $7
 * microseconds until the next are due, $8 and $9 the window, $10 state, $11 note or null. */
static const ChPgStatement sql_advance_job = {
    "update replay_jobs j set total = coalesce(j.total, $2), replayed = j.replayed + $3,"
    " refused = j.refused + $4, last_died = coalesce($5, j.last_died),"
    " last_id = coalesce($6, j.last_id), due_at = now() + $7 * interval '1 microsecond',"
    " window_replayed = $8, window_returned = $9, state = $10, note = $11,"
    " ended_at = case when $10 = 'done' then now() end where j.id = $1",
    { CH_PG_UUID, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_TIME, CH_PG_UUID, CH_PG_INT, CH_PG_INT,
      CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT },
};

/* A job that is claimed. Texts belong to the rows. */
typedef struct {
    ChUuid id;
    ChReplayLetters letters; /* which */
    int64_t rate;
    int64_t stop_failures, stop_of;
    const char *by, *why;
    bool uncounted;
    bool dry_run;
    ChUuid trying; /* of a dry run: a letter of which no result came; nil: none */
    int64_t replayed, returned;
    int64_t window_replayed, window_returned;
    ChTrace trace; /* of this step */
} Job;

/* What a step came to. */
typedef struct {
    int64_t total; /* -1: it was counted before */
    int64_t replayed, refused;
    bool looked; /* at a letter, the last of which is: */
    int64_t last_died_us;
    ChUuid last;
    const char *state;
    char *note; /* owned */
} Step;

struct ChReplayJobRun {
    ChDeadLetterAdmin admin;
    ChTicker *ticker;
    bool one_by_one; /* a letter of the last step could not be acted upon: which? */
    ChUuid culprit;  /* this one; nil: not known */
    char *fault;     /* why; NULL while that is not known */
};

/* ---- claiming ---- */

static Job read_job(const ChPgRows *rows)
{
    return (Job){
        .id = ch_pg_uuid(rows, 0, CLAIM_ID),
        .letters = {
            .queue = ch_pg_text(rows, 0, CLAIM_QUEUE),
            .group = ch_pg_uuid(rows, 0, CLAIM_GROUP),
            .message_type = ch_pg_text(rows, 0, CLAIM_TYPE),
            .subject = ch_pg_uuid(rows, 0, CLAIM_SUBJECT),
            .before_us = ch_pg_time(rows, 0, CLAIM_CREATED_AT),
            .last_died_us = ch_pg_time(rows, 0, CLAIM_LAST_DIED),
            .last = ch_pg_uuid(rows, 0, CLAIM_LAST_ID),
        },
        .rate = ch_pg_int(rows, 0, CLAIM_RATE),
        .stop_failures = ch_pg_int(rows, 0, CLAIM_STOP_FAILURES),
        .stop_of = ch_pg_int(rows, 0, CLAIM_STOP_OF),
        .by = ch_pg_text(rows, 0, CLAIM_CREATED_BY),
        .why = ch_pg_text(rows, 0, CLAIM_WHY),
        .uncounted = ch_pg_bool(rows, 0, CLAIM_UNCOUNTED),
        .dry_run = ch_pg_bool(rows, 0, CLAIM_DRY_RUN),
        .trying = ch_pg_uuid(rows, 0, CLAIM_TRYING),
        .replayed = ch_pg_int(rows, 0, CLAIM_REPLAYED),
        .returned = ch_pg_int(rows, 0, CLAIM_RETURNED),
        .window_replayed = ch_pg_int(rows, 0, CLAIM_WINDOW_REPLAYED),
        .window_returned = ch_pg_int(rows, 0, CLAIM_WINDOW_RETURNED),
        .trace = ch_trace_new(),
    };
}

/* ---- a step ---- */

/* Whether too many came back; else the count begins anew where enough were replayed meanwhile. */
static bool is_to_stop(Job *job, Step *step)
{
    if (job->stop_of == 0)
        return false;
    int64_t replayed = job->replayed - job->window_replayed;
    int64_t returned = job->returned - job->window_returned;
    if (returned >= job->stop_failures) {
        step->state = "stopped";
        step->note = g_strdup_printf("%" G_GINT64_FORMAT " came back while %" G_GINT64_FORMAT
                                     " were replayed",
                                     returned, replayed);
        return true;
    }
    if (replayed >= job->stop_of) {
        job->window_replayed = job->replayed;
        job->window_returned = job->returned;
    }
    return false;
}

static bool act(ChReplayJobRun *run, const Job *job, ChUuid letter, Step *step, GError **error)
{
    const ChDeadLetterAction action = {
        .id = letter,
        .act = CH_DEAD_LETTER_REPLAYED,
        .by = job->by,
        .why = job->why,
        .as = job->by,
        .job = job->id,
        .trace = job->trace,
    };
    ChDeadLetterOutcome outcome = { CH_DEAD_LETTER_REFUSED, NULL };
    if (run->fault != NULL && ch_uuid_equal(letter, run->culprit))
        outcome.why = g_strdup_printf("it cannot be replayed: %s", run->fault);
    else if (!ch_dead_letter_act(&run->admin, &action, &outcome, error))
        return false;
    g_autofree char *why = outcome.why;
    switch (outcome.result) {
    case CH_DEAD_LETTER_DONE:
        step->replayed++;
        return true;
    case CH_DEAD_LETTER_UNKNOWN:
        return true; /* somebody deleted it at this moment */
    case CH_DEAD_LETTER_REFUSED:
        step->refused++;
        return ch_replay_letters_refuse(run->admin.pg, job->id, letter, why, error);
    }
    g_assert_not_reached();
}

static bool replay_some(ChReplayJobRun *run, const Job *job, Step *step, GError **error)
{
    int64_t most = run->one_by_one ? 1 : MAX(1, job->rate / STEPS_A_SECOND);
    g_autoptr(GArray) letters = NULL;
    if (!ch_replay_letters_pick(run->admin.pg, &job->letters, most, &letters, error))
        return false;
    for (guint i = 0; i < letters->len; i++) {
        const ChReplayLetter *letter = &g_array_index(letters, ChReplayLetter, i);
        if (run->one_by_one)
            run->culprit = letter->id;
        if (!act(run, job, letter->id, step, error))
            return false;
        step->looked = true;
        step->last_died_us = letter->died_us;
        step->last = letter->id;
    }
    step->state = letters->len < most ? "done" : "running";
    return true;
}

static bool advance(ChReplayJobRun *run, const Job *job, const Step *step, GError **error)
{
    int64_t looked = step->replayed + step->refused;
    ChPgParams *params = ch_pg_params_new(&sql_advance_job);
    ch_pg_add_uuid(params, 0, job->id);
    if (step->total < 0)
        ch_pg_add_null(params, 1);
    else
        ch_pg_add_int(params, 1, step->total);
    ch_pg_add_int(params, 2, step->replayed);
    ch_pg_add_int(params, 3, step->refused);
    if (step->looked) {
        ch_pg_add_time(params, 4, step->last_died_us);
        ch_pg_add_uuid(params, 5, step->last);
    } else {
        ch_pg_add_null(params, 4);
        ch_pg_add_null(params, 5);
    }
    ch_pg_add_int(params, 6, looked * G_USEC_PER_SEC / job->rate);
    ch_pg_add_int(params, 7, job->window_replayed);
    ch_pg_add_int(params, 8, job->window_returned);
    ch_pg_add_text(params, 9, step->state);
    ch_pg_add_text(params, 10, step->note);
    return ch_pg_send(run->admin.pg, params, NULL, error) && ch_pg_wait(run->admin.pg, error);
}

static void log_end(const Job *job, const Step *step)
{
    if (g_str_equal(step->state, "running"))
        return;
    ch_log_info("replay job ended", CH_ID("job", job->id), CH_STR("queue", job->letters.queue),
                CH_STR("state", step->state), CH_INT("replayed", job->replayed + step->replayed),
                CH_INT("returned", job->returned), CH_STR("because", step->note),
                CH_TRACE(job->trace));
}

static bool carry_out(ChReplayJobRun *run, Job *job, GError **error)
{
    Step step = { .total = -1, .state = "running" };
    bool ok = !job->uncounted ||
              ch_replay_letters_count(run->admin.pg, &job->letters, &step.total, error);
    if (ok && !is_to_stop(job, &step))
        ok = replay_some(run, job, &step, error);
    ok = ok && advance(run, job, &step, error);
    if (ok)
        log_end(job, &step);
    g_free(step.note);
    return ok;
}

/* ---- a step that only tries ---- */

/* Three transactions: the letter is named, tried, and its result noted. The second is rolled back
 * and may end the worker; the third is left open, for the lane to commit. */
static bool try_letter(ChReplayJobRun *run, const Job *job, ChUuid letter, int64_t total,
                       ChTrial *trial, GError **error)
{
    ChPg *pg = run->admin.pg;
    if (!ch_replay_trials_begin(pg, job->id, letter, total, error) || !ch_pg_commit(pg, error) ||
        !ch_trial_run(&run->admin, letter, trial, error) || !ch_pg_connect(pg, error))
        return false;
    ch_pg_begin(pg);
    return true;
}

static bool end_trials(ChReplayJobRun *run, const Job *job, int64_t total, GError **error)
{
    const Step step = { .total = total, .state = "done" };
    if (!advance(run, job, &step, error))
        return false;
    log_end(job, &step);
    return true;
}

static bool try_next(ChReplayJobRun *run, const Job *job, GError **error)
{
    g_autoptr(GArray) letters = NULL;
    int64_t total = -1;
    if ((job->uncounted && !ch_replay_letters_count(run->admin.pg, &job->letters, &total, error)) ||
        !ch_replay_letters_find(run->admin.pg, &job->letters, 1, &letters, error))
        return false;
    if (letters->len == 0)
        return end_trials(run, job, total, error);
    const ChReplayLetter *next = &g_array_index(letters, ChReplayLetter, 0);
    ChTrial trial = { CH_TRIAL_UNTRIED, NULL };
    bool was_tried = ch_uuid_equal(job->trying, next->id);
    if (was_tried)
        trial.why = g_strdup("its worker ended, or lost its database, while it was tried");
    bool ok = (was_tried || try_letter(run, job, next->id, total, &trial, error)) &&
              ch_replay_trials_end(run->admin.pg, job->id, next, &trial, G_USEC_PER_SEC / job->rate,
                                   error);
    g_free(trial.why);
    return ok;
}

/* ---- the handler ---- */

/* When to look again: whoever makes or resumes a job rings. */
static bool plan(ChReplayJobRun *run, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(run->admin.pg, ch_pg_params_new(&sql_ask_next), error);
    if (rows == NULL)
        return false;
    if (ch_pg_rows_count(rows) == 0) {
        ch_ticker_next(run->ticker, 0, REST_US);
        return true;
    }
    int64_t wait_us = ch_pg_int(rows, 0, 0);
    ch_ticker_next(run->ticker, wait_us, wait_us);
    return true;
}

static bool step_once(ChReplayJobRun *run, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(run->admin.pg, ch_pg_params_new(&sql_claim_job), error);
    if (rows == NULL)
        return false;
    if (ch_pg_rows_count(rows) > 0) {
        Job job = read_job(rows);
        if (!(job.dry_run ? try_next(run, &job, error) : carry_out(run, &job, error)))
            return false;
    }
    return plan(run, error);
}

static void know_no_culprit(ChReplayJobRun *run)
{
    g_clear_pointer(&run->fault, g_free);
    run->culprit = (ChUuid){ { 0 } };
    run->one_by_one = false;
}

/* The database refuses one of the letters: the next step takes one, and the step after that knows
 * which it is. */
static void start_over(ChReplayJobRun *run, const GError *why)
{
    ch_pg_rollback(run->admin.pg);
    ch_log_drop();
    ch_log_hold();
    ch_log_warning("a letter of a replay job cannot be acted upon", CH_ERR(why));
    if (run->one_by_one) {
        g_free(run->fault);
        run->fault = g_strdup(why->message);
    }
    run->one_by_one = true;
    ch_ticker_next(run->ticker, FAILED_REST_US, FAILED_REST_US);
}

bool ch_replay_job_run(void *context, void *const *items G_GNUC_UNUSED, size_t n G_GNUC_UNUSED,
                       GError **error)
{
    ChReplayJobRun *run = context;
    g_autoptr(GError) why = NULL;
    if (step_once(run, &why)) {
        know_no_culprit(run);
        return true;
    }
    if (ch_error_is_unavailable(why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    start_over(run, why);
    return true;
}

bool ch_replay_jobs_wait(ChPg *pg, bool *waits, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, ch_pg_params_new(&sql_ask_running), error);
    if (rows == NULL)
        return false;
    *waits = ch_pg_bool(rows, 0, 0);
    return true;
}

/* ---- life ---- */

ChReplayJobRun *ch_replay_job_run_new(const ChDeadLetterAdmin *admin, ChTicker *ticker)
{
    ChReplayJobRun *run = g_new0(ChReplayJobRun, 1);
    run->admin = *admin;
    run->admin.consumers =
        g_memdup2(admin->consumers, admin->consumers_n * sizeof *admin->consumers);
    run->ticker = ticker;
    ch_ticker_next(ticker, 0, REST_US);
    return run;
}

void ch_replay_job_run_free(ChReplayJobRun *run)
{
    if (run == NULL)
        return;
    know_no_culprit(run);
    g_free((void *)run->admin.consumers);
    g_free(run);
}
