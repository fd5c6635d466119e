/* SQL of trials. */
#include "chassis/messaging/replay_job_trials.h"

/* $1 job, $2 letter, $3 total or null. The lease is longer than all tries of a letter. */
static const ChPgStatement sql_begin_trial = {
    "update replay_jobs set trying = $2, total = coalesce(total, $3),"
    " due_at = now() + interval '10 seconds' where id = $1",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_INT },
};

/* $1 job, $2 letter, $3 when it died, $4 verdict, $5 why or null, $6 microseconds until the next is
 * due. */
static const ChPgStatement sql_end_trial = {
    "with told as (update replay_jobs j set trying = null, last_died = $3, last_id = $2,"
    "  due_at = now() + $6 * interval '1 microsecond',"
    "  works = works + ($4 = 'works')::int, fails = fails + ($4 = 'fails')::int,"
    "  refused = refused + ($4 = 'refused')::int, untried = untried + ($4 = 'untried')::int"
    "  where j.id = $1 and j.trying = $2 returning j.id)"
    " insert into replay_trials (job_id, letter_id, verdict, why) select id, $2, $4, $5 from told",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_TIME, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT },
};

/* $1 job, $2 above this number, $3 below this number, $4 how many. */
#define LIST_TRIALS(way)                                                                           \
    {                                                                                              \
        "select number, letter_id, verdict, why from replay_trials where job_id = $1"              \
        " and number > $2 and number < $3 order by number " way " limit $4",                       \
        {                                                                                          \
            CH_PG_UUID, CH_PG_INT, CH_PG_INT, CH_PG_INT                                            \
        }                                                                                          \
    }
static const ChPgStatement sql_list_trials[] = { LIST_TRIALS("desc"), LIST_TRIALS("asc") };
enum {
    TRIAL_NUMBER,
    TRIAL_LETTER,
    TRIAL_VERDICT,
    TRIAL_WHY,
};

bool ch_replay_trials_begin(ChPg *pg, ChUuid job, ChUuid letter, int64_t total, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_begin_trial);
    ch_pg_add_uuid(params, 0, job);
    ch_pg_add_uuid(params, 1, letter);
    if (total < 0)
        ch_pg_add_null(params, 2);
    else
        ch_pg_add_int(params, 2, total);
    return ch_pg_send(pg, params, NULL, error);
}

bool ch_replay_trials_end(ChPg *pg, ChUuid job, const ChReplayLetter *letter, const ChTrial *trial,
                          int64_t wait_us, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_end_trial);
    ch_pg_add_uuid(params, 0, job);
    ch_pg_add_uuid(params, 1, letter->id);
    ch_pg_add_time(params, 2, letter->died_us);
    ch_pg_add_text(params, 3, ch_trial_verdict_name(trial->verdict));
    ch_pg_add_text(params, 4, trial->why);
    ch_pg_add_int(params, 5, wait_us);
    return ch_pg_send(pg, params, NULL, error) && ch_pg_wait(pg, error);
}

void ch_replay_tried_free(void *opaque)
{
    ChReplayTried *tried = opaque;
    if (tried == NULL)
        return;
    g_free(tried->verdict);
    g_free(tried->why);
    g_free(tried);
}

bool ch_replay_trials_list(ChPg *pg, const ChReplayTriedFilter *filter, GPtrArray **page,
                           GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_trials[filter->oldest_first]);
    ch_pg_add_uuid(params, 0, filter->job);
    ch_pg_add_int(params, 1, filter->after);
    ch_pg_add_int(params, 2, filter->before);
    ch_pg_add_int(params, 3, filter->rows);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *page = g_ptr_array_new_with_free_func(ch_replay_tried_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChReplayTried *tried = g_new0(ChReplayTried, 1);
        tried->number = ch_pg_int(rows, row, TRIAL_NUMBER);
        tried->letter = ch_pg_uuid(rows, row, TRIAL_LETTER);
        tried->verdict = g_strdup(ch_pg_text(rows, row, TRIAL_VERDICT));
        tried->why = g_strdup(ch_pg_text(rows, row, TRIAL_WHY));
        g_ptr_array_add(*page, tried);
    }
    return true;
}
