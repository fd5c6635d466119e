/* SQL of a job's letters. */
#include "chassis/messaging/replay_job_letters.h"

/* $1 and $2 behind this letter, $3 before this time, $4 queue, $5 group, $6 type or null, $7
 * subject, $8 how many at most. Each choice by the index that it has, as lists
 * (dead_letter_store.c). */
#define AMONG(table) " from " table " where coalesce(act, 'waiting') = 'waiting'"
#define BEHIND " and (died_at, id) > ($1, $2) and died_at < $3"
#define OF_GROUP AMONG("dead_letters") " and group_id = $5" BEHIND
#define OF_QUEUE AMONG("dead_letters") " and queue = $4" BEHIND
#define OF_QUEUE_AND_TYPE AMONG("dead_letters") " and queue = $4 and message_type = $6" BEHIND
#define OF_SUBJECT                                                                                 \
    AMONG("(select * from dead_letters where subject = $7 offset 0) about")                        \
    " and queue = $4 and ($6 is null or message_type = $6)" BEHIND
#define TYPES                                                                                      \
    {                                                                                              \
        CH_PG_TIME, CH_PG_UUID, CH_PG_TIME, CH_PG_TEXT, CH_PG_UUID, CH_PG_TEXT, CH_PG_UUID,        \
            CH_PG_INT                                                                              \
    }
#define PICK(letters)                                                                              \
    {                                                                                              \
        "select id, died_at" letters " order by died_at, id limit $8", TYPES                       \
    }
#define COUNT(letters)                                                                             \
    {                                                                                              \
        "select count(*)" letters " and $8 > 0", TYPES                                             \
    }
typedef enum {
    BY_GROUP,
    BY_QUEUE,
    BY_QUEUE_AND_TYPE,
    BY_SUBJECT,
} Way;
static const ChPgStatement sql_pick_letters[] = {
    [BY_GROUP] = PICK(OF_GROUP),
    [BY_QUEUE] = PICK(OF_QUEUE),
    [BY_QUEUE_AND_TYPE] = PICK(OF_QUEUE_AND_TYPE),
    [BY_SUBJECT] = PICK(OF_SUBJECT),
};
static const ChPgStatement sql_count_letters[] = {
    [BY_GROUP] = COUNT(OF_GROUP),
    [BY_QUEUE] = COUNT(OF_QUEUE),
    [BY_QUEUE_AND_TYPE] = COUNT(OF_QUEUE_AND_TYPE),
    [BY_SUBJECT] = COUNT(OF_SUBJECT),
};

/* $1 letters. */
static const ChPgStatement sql_lock_letters = {
    "select id from dead_letters where id = any($1) order by id for update",
    { CH_PG_UUIDS },
};
static const ChPgStatement sql_lock_groups = {
    "select g.id from failure_groups g where g.id = any("
    " array(select l.group_id from dead_letters l where l.id = any($1)))"
    " order by g.id for update",
    { CH_PG_UUIDS },
};

/* $1 job, $2 letter, $3 why. */
static const ChPgStatement sql_insert_refusal = {
    "insert into replay_refusals (job_id, letter_id, why) values ($1, $2, $3)",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_TEXT },
};

static ChPgParams *params_of(const ChPgStatement *statements, const ChReplayLetters *letters,
                             int64_t most)
{
    Way way = !ch_uuid_is_nil(letters->group)     ? BY_GROUP
              : !ch_uuid_is_nil(letters->subject) ? BY_SUBJECT
              : letters->message_type != NULL     ? BY_QUEUE_AND_TYPE
                                                  : BY_QUEUE;
    ChPgParams *params = ch_pg_params_new(&statements[way]);
    ch_pg_add_time(params, 0, letters->last_died_us);
    ch_pg_add_uuid(params, 1, letters->last);
    ch_pg_add_time(params, 2, letters->before_us);
    ch_pg_add_text(params, 3, letters->queue);
    ch_pg_add_uuid(params, 4, letters->group);
    ch_pg_add_text(params, 5, letters->message_type);
    ch_pg_add_uuid(params, 6, letters->subject);
    ch_pg_add_int(params, 7, most);
    return params;
}

bool ch_replay_letters_count(ChPg *pg, const ChReplayLetters *letters, int64_t *total,
                             GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params_of(sql_count_letters, letters, 1), error);
    if (rows == NULL)
        return false;
    *total = ch_pg_int(rows, 0, 0);
    return true;
}

/* @letters: ChReplayLetter. */
static bool lock(ChPg *pg, const ChPgStatement *statement, const GArray *letters, GError **error)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (guint i = 0; i < letters->len; i++)
        ch_pg_add_uuid(params, 0, g_array_index(letters, ChReplayLetter, i).id);
    return ch_pg_send(pg, params, NULL, error);
}

bool ch_replay_letters_find(ChPg *pg, const ChReplayLetters *letters, int64_t most, GArray **found,
                            GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params_of(sql_pick_letters, letters, most), error);
    if (rows == NULL)
        return false;
    *found = g_array_new(FALSE, FALSE, sizeof(ChReplayLetter));
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        const ChReplayLetter letter = { ch_pg_uuid(rows, row, 0), ch_pg_time(rows, row, 1) };
        g_array_append_val(*found, letter);
    }
    return true;
}

bool ch_replay_letters_pick(ChPg *pg, const ChReplayLetters *letters, int64_t most, GArray **picked,
                            GError **error)
{
    g_autoptr(GArray) found = NULL;
    if (!ch_replay_letters_find(pg, letters, most, &found, error))
        return false;
    if (found->len > 0 &&
        (!lock(pg, &sql_lock_letters, found, error) || !lock(pg, &sql_lock_groups, found, error)))
        return false;
    *picked = g_steal_pointer(&found);
    return true;
}

bool ch_replay_letters_refuse(ChPg *pg, ChUuid job, ChUuid letter, const char *why, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_refusal);
    ch_pg_add_uuid(params, 0, job);
    ch_pg_add_uuid(params, 1, letter);
    ch_pg_add_text(params, 2, why);
    return ch_pg_send(pg, params, NULL, error);
}
