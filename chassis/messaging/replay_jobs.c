/* SQL of the jobs. */
#include "chassis/messaging/replay_jobs.h"

#include <string.h>

#define LOOKED "j.replayed + j.refused + j.works + j.fails + j.untried"
#define COLUMNS                                                                                    \
    "j.id, j.number, j.state, j.queue, j.group_id, j.message_type, j.subject, j.since, j.rate,"    \
    " coalesce(j.stop_failures, 0), coalesce(j.stop_of, 0), j.created_at, j.created_by, j.why,"    \
    " coalesce(j.total, -1), j.replayed, j.refused,"                                               \
    " (select count(*) from dead_letters l where l.returned_job = j.id),"                          \
    " (1000 * (" LOOKED " - j.began_with)"                                                         \
    "  / greatest(1, extract(epoch from coalesce(j.ended_at, now()) - j.began_at)))::bigint,"      \
    " j.ended_at, j.note, j.dry_run, j.works, j.fails, j.untried"
enum {
    JOB_ID,
    JOB_NUMBER,
    JOB_STATE,
    JOB_QUEUE,
    JOB_GROUP,
    JOB_TYPE,
    JOB_SUBJECT,
    JOB_SINCE,
    JOB_RATE,
    JOB_STOP_FAILURES,
    JOB_STOP_OF,
    JOB_CREATED_AT,
    JOB_CREATED_BY,
    JOB_WHY,
    JOB_TOTAL,
    JOB_REPLAYED,
    JOB_REFUSED,
    JOB_RETURNED,
    JOB_PACE,
    JOB_ENDED_AT,
    JOB_NOTE,
    JOB_DRY_RUN,
    JOB_WORKS,
    JOB_FAILS,
    JOB_UNTRIED,
};

/* $1 id, $2 group or null, $3 queue or null with a group, $4 type or null, $5 subject or null, $6
 * since, $7 rate, $8 and $9 when to stop or null, $10 by whom, $11 why, $12 1: it tries alone. No
 * row: there is no such group, or its queue has a job. */
static const ChPgStatement sql_insert_job = {
    "insert into replay_jobs (id, group_id, queue, message_type, subject, since, rate,"
    "  stop_failures, stop_of, created_by, why, dry_run)"
    " select $1, $2, coalesce($3, (select g.queue from failure_groups g where g.id = $2)), $4, $5,"
    "  $6, $7, $8, $9, $10, $11, $12 = 1"
    " where $3 is not null or exists (select from failure_groups g where g.id = $2)"
    " on conflict (queue) where state in ('running', 'paused') do nothing returning id",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_TEXT, CH_PG_TEXT, CH_PG_UUID, CH_PG_TIME, CH_PG_INT, CH_PG_INT,
      CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT },
};

/* $1 queue or null, $2 a group of it. */
static const ChPgStatement sql_find_active = {
    "select " COLUMNS " from replay_jobs j where j.state in ('running', 'paused') and j.queue ="
    " coalesce($1, (select g.queue from failure_groups g where g.id = $2))",
    { CH_PG_TEXT, CH_PG_UUID },
};

/* $1 above this number, $2 below this number, $3 queue or null, $4 state or null, $5 how many. */
#define LIST(way)                                                                                  \
    {                                                                                              \
        "select " COLUMNS " from replay_jobs j where j.number > $1 and j.number < $2"              \
        " and ($3 is null or j.queue = $3) and ($4 is null or j.state = $4)"                       \
        " order by j.number " way " limit $5",                                                     \
        {                                                                                          \
            CH_PG_INT, CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT                                \
        }                                                                                          \
    }
static const ChPgStatement sql_list_jobs[] = { LIST("desc"), LIST("asc") };

/* $1 id. */
static const ChPgStatement sql_find_job = {
    "select " COLUMNS " from replay_jobs j where j.id = $1",
    { CH_PG_UUID },
};
static const ChPgStatement sql_lock_job = {
    "select " COLUMNS " from replay_jobs j where j.id = $1 for update of j",
    { CH_PG_UUID },
};

/* $1 id, $2 state. Whoever is resumed counts anew what comes back, and how fast it is. Another job
 * of the queue that comes to be at this moment fails by the index. */
static const ChPgStatement sql_change_job = {
    "update replay_jobs j set state = $2, due_at = now(),"
    " ended_at = case when $2 = 'cancelled' then now() end,"
    " note = case when $2 <> 'running' then j.note end,"
    " began_at = case when $2 = 'running' then now() else j.began_at end,"
    " began_with = case when $2 = 'running' then " LOOKED " else j.began_with end,"
    " window_replayed = j.replayed,"
    " window_returned = (select count(*) from dead_letters l where l.returned_job = j.id)"
    " where j.id = $1 and ($2 <> 'running' or not exists (select from replay_jobs other"
    "  where other.queue = j.queue and other.id <> j.id and other.state in ('running', 'paused')))",
    { CH_PG_UUID, CH_PG_TEXT },
};

/* $1 job, $2 above this number, $3 below this number, $4 how many. */
#define LIST_REFUSALS(way)                                                                         \
    {                                                                                              \
        "select number, letter_id, why from replay_refusals where job_id = $1 and number > $2"     \
        " and number < $3 order by number " way " limit $4",                                       \
        {                                                                                          \
            CH_PG_UUID, CH_PG_INT, CH_PG_INT, CH_PG_INT                                            \
        }                                                                                          \
    }
static const ChPgStatement sql_list_refusals[] = { LIST_REFUSALS("desc"), LIST_REFUSALS("asc") };
enum {
    REFUSAL_NUMBER,
    REFUSAL_LETTER,
    REFUSAL_WHY,
};

static const char *const state_names[] = {
    [CH_REPLAY_RUNNING] = "running",     [CH_REPLAY_PAUSED] = "paused",
    [CH_REPLAY_STOPPED] = "stopped",     [CH_REPLAY_DONE] = "done",
    [CH_REPLAY_CANCELLED] = "cancelled",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == CH_REPLAY_STATES_N);

const char *ch_replay_state_name(ChReplayState state)
{
    return state_names[state];
}

bool ch_replay_state_parse(const char *name, ChReplayState *state)
{
    for (int i = 0; i < CH_REPLAY_STATES_N; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *state = (ChReplayState)i;
            return true;
        }
    }
    return false;
}

void ch_replay_job_free(void *opaque)
{
    ChReplayJob *job = opaque;
    if (job == NULL)
        return;
    g_free(job->queue);
    g_free(job->message_type);
    g_free(job->created_by);
    g_free(job->why);
    g_free(job->note);
    g_free(job);
}

void ch_replay_refusal_free(void *opaque)
{
    ChReplayRefusal *refusal = opaque;
    if (refusal != NULL)
        g_free(refusal->why);
    g_free(refusal);
}

/* ---- reading ---- */

static ChReplayJob *read_job(const ChPgRows *rows, size_t row)
{
    ChReplayJob *job = g_new0(ChReplayJob, 1);
    job->id = ch_pg_uuid(rows, row, JOB_ID);
    job->number = ch_pg_int(rows, row, JOB_NUMBER);
    bool known = ch_replay_state_parse(ch_pg_text(rows, row, JOB_STATE), &job->state);
    g_assert(known); /* the table's own check allows no other name */
    job->queue = g_strdup(ch_pg_text(rows, row, JOB_QUEUE));
    job->group = ch_pg_uuid(rows, row, JOB_GROUP);
    job->message_type = g_strdup(ch_pg_text(rows, row, JOB_TYPE));
    job->subject = ch_pg_uuid(rows, row, JOB_SUBJECT);
    job->since_us = ch_pg_time(rows, row, JOB_SINCE);
    job->rate = ch_pg_int(rows, row, JOB_RATE);
    job->stop_failures = ch_pg_int(rows, row, JOB_STOP_FAILURES);
    job->stop_of = ch_pg_int(rows, row, JOB_STOP_OF);
    job->created_us = ch_pg_time(rows, row, JOB_CREATED_AT);
    job->created_by = g_strdup(ch_pg_text(rows, row, JOB_CREATED_BY));
    job->why = g_strdup(ch_pg_text(rows, row, JOB_WHY));
    job->total = ch_pg_int(rows, row, JOB_TOTAL);
    job->replayed = ch_pg_int(rows, row, JOB_REPLAYED);
    job->refused = ch_pg_int(rows, row, JOB_REFUSED);
    job->returned = ch_pg_int(rows, row, JOB_RETURNED);
    job->pace = ch_pg_int(rows, row, JOB_PACE);
    job->ended_us = ch_pg_time(rows, row, JOB_ENDED_AT);
    job->note = g_strdup(ch_pg_text(rows, row, JOB_NOTE));
    job->dry_run = ch_pg_bool(rows, row, JOB_DRY_RUN);
    job->works = ch_pg_int(rows, row, JOB_WORKS);
    job->fails = ch_pg_int(rows, row, JOB_FAILS);
    job->untried = ch_pg_int(rows, row, JOB_UNTRIED);
    return job;
}

/* *job: the only row, or NULL. */
static bool query_one(ChPg *pg, ChPgParams *params, ChReplayJob **job, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *job = ch_pg_rows_count(rows) == 0 ? NULL : read_job(rows, 0);
    return true;
}

bool ch_replay_jobs_find(ChPg *pg, ChUuid id, bool lock, ChReplayJob **job, GError **error)
{
    ChPgParams *params = ch_pg_params_new(lock ? &sql_lock_job : &sql_find_job);
    ch_pg_add_uuid(params, 0, id);
    return query_one(pg, params, job, error);
}

static ChPgParams *params_of(const ChReplayFilter *filter)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_jobs[filter->oldest_first]);
    ch_pg_add_int(params, 0, filter->after);
    ch_pg_add_int(params, 1, filter->before);
    ch_pg_add_text(params, 2, filter->queue);
    ch_pg_add_text(params, 3, filter->has_state ? state_names[filter->state] : NULL);
    ch_pg_add_int(params, 4, filter->rows);
    return params;
}

bool ch_replay_jobs_list(ChPg *pg, const ChReplayFilter *filters, size_t n, GPtrArray **pages,
                         GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = params_of(&filters[i]);
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        pages[i] = g_ptr_array_new_with_free_func(ch_replay_job_free);
        for (size_t row = 0; row < ch_pg_rows_count(rows[i]); row++)
            g_ptr_array_add(pages[i], read_job(rows[i], row));
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

bool ch_replay_jobs_refusals(ChPg *pg, const ChReplayRefusalFilter *filter, GPtrArray **page,
                             GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_refusals[filter->oldest_first]);
    ch_pg_add_uuid(params, 0, filter->job);
    ch_pg_add_int(params, 1, filter->after);
    ch_pg_add_int(params, 2, filter->before);
    ch_pg_add_int(params, 3, filter->rows);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *page = g_ptr_array_new_with_free_func(ch_replay_refusal_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChReplayRefusal *refusal = g_new0(ChReplayRefusal, 1);
        refusal->number = ch_pg_int(rows, row, REFUSAL_NUMBER);
        refusal->letter = ch_pg_uuid(rows, row, REFUSAL_LETTER);
        refusal->why = g_strdup(ch_pg_text(rows, row, REFUSAL_WHY));
        g_ptr_array_add(*page, refusal);
    }
    return true;
}

/* ---- changing ---- */

static void add_uuid_or_null(ChPgParams *params, size_t index, ChUuid id)
{
    if (ch_uuid_is_nil(id))
        ch_pg_add_null(params, index);
    else
        ch_pg_add_uuid(params, index, id);
}

static ChPgParams *params_of_wish(const ChReplayWish *wish, ChUuid id)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_job);
    ch_pg_add_uuid(params, 0, id);
    add_uuid_or_null(params, 1, wish->group);
    ch_pg_add_text(params, 2, wish->queue);
    ch_pg_add_text(params, 3, wish->message_type);
    add_uuid_or_null(params, 4, wish->subject);
    ch_pg_add_time(params, 5, wish->since_us);
    ch_pg_add_int(params, 6, wish->rate);
    for (size_t i = 0; i < 2; i++) {
        if (wish->stop_of == 0)
            ch_pg_add_null(params, 7 + i);
        else
            ch_pg_add_int(params, 7 + i, i == 0 ? wish->stop_failures : wish->stop_of);
    }
    ch_pg_add_text(params, 9, wish->by);
    ch_pg_add_text(params, 10, wish->why);
    ch_pg_add_int(params, 11, wish->dry_run);
    return params;
}

bool ch_replay_jobs_make(ChPg *pg, const ChReplayWish *wish, ChReplayMaking *making,
                         ChReplayJob **job, GError **error)
{
    ChUuid id = ch_uuid_new();
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params_of_wish(wish, id), error);
    if (rows == NULL)
        return false;
    if (ch_pg_rows_count(rows) > 0) {
        *making = CH_REPLAY_MADE;
        return ch_replay_jobs_find(pg, id, false, job, error);
    }
    ChPgParams *params = ch_pg_params_new(&sql_find_active);
    ch_pg_add_text(params, 0, wish->queue);
    add_uuid_or_null(params, 1, wish->group);
    if (!query_one(pg, params, job, error))
        return false;
    *making = *job == NULL ? CH_REPLAY_NO_GROUP : CH_REPLAY_BUSY;
    return true;
}

bool ch_replay_may_become(ChReplayState from, ChReplayState to)
{
    static const bool may[CH_REPLAY_STATES_N][CH_REPLAY_STATES_N] = {
        [CH_REPLAY_RUNNING] = { [CH_REPLAY_RUNNING] = true,
                                [CH_REPLAY_PAUSED] = true,
                                [CH_REPLAY_CANCELLED] = true },
        [CH_REPLAY_PAUSED] = { [CH_REPLAY_RUNNING] = true,
                               [CH_REPLAY_PAUSED] = true,
                               [CH_REPLAY_CANCELLED] = true },
        [CH_REPLAY_STOPPED] = { [CH_REPLAY_RUNNING] = true, [CH_REPLAY_CANCELLED] = true },
        [CH_REPLAY_CANCELLED] = { [CH_REPLAY_CANCELLED] = true },
    };
    return may[from][to];
}

bool ch_replay_jobs_change(ChPg *pg, const ChReplayJob *job, ChReplayState to, bool *changed,
                           GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_change_job);
    ch_pg_add_uuid(params, 0, job->id);
    ch_pg_add_text(params, 1, state_names[to]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *changed = ch_pg_rows_affected(rows) > 0;
    return true;
}
