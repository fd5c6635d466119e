/* SQL of the dead letters. */
#include "chassis/messaging/dead_letter_store.h"

#include "chassis/messaging/event.h"

#include <string.h>

#define COLUMNS                                                                                    \
    "id, queue, message_id, message_type, traceparent, reason, attempts, died_at,"                 \
    " coalesce(body_bytes, octet_length(body)), act, acted_by, acted_why, acted_at, subject,"      \
    " encode(body_sha256, 'hex'), acted_as,"                                                       \
    " (select e.message_id from letter_edits e where e.letter_id = id),"                           \
    " (select octet_length(e.body) from letter_edits e where e.letter_id = id)"
enum {
    LETTER_ID,
    LETTER_QUEUE,
    LETTER_MESSAGE_ID,
    LETTER_TYPE,
    LETTER_TRACEPARENT,
    LETTER_REASON,
    LETTER_ATTEMPTS,
    LETTER_DIED_AT,
    LETTER_BODY_BYTES,
    LETTER_ACT,
    LETTER_ACTED_BY,
    LETTER_ACTED_WHY,
    LETTER_ACTED_AT,
    LETTER_SUBJECT,
    LETTER_BODY_SHA256,
    LETTER_ACTED_AS,
    LETTER_REPLAYED_AS,
    LETTER_EDITED_BYTES,
    LETTER_BODY, /* this and the next only where one letter is read */
    LETTER_EDITED_BODY,
};

/* $1 after this letter, $2 queue or null, $3 type or null, $4 since, $5 state or null, $6 how many,
 * $7 subject or null. In the order of their deaths. Each choice of filters is a statement by the
 * index that it has, and in it each state a walk along that index, which takes no step where
 * another state is asked for: so no more rows are read than are shown, thrice. */
#define LATER                                                                                      \
    " and (died_at, id) >"                                                                         \
    " (coalesce((select last.died_at from dead_letters last where last.id = $1), $4), $1)"
#define OF_STATE(state, condition)                                                                 \
    "(select * from dead_letters where coalesce(act, 'waiting') = '" state "'"                     \
    " and ($5 is null or $5 = '" state "')" condition LATER " order by died_at, id limit $6)"
#define LIST(letters)                                                                              \
    {                                                                                              \
        "select " COLUMNS " from (" letters ") letters order by died_at, id limit $6",             \
        {                                                                                          \
            CH_PG_UUID, CH_PG_TEXT, CH_PG_TEXT, CH_PG_TIME, CH_PG_TEXT, CH_PG_INT, CH_PG_UUID      \
        }                                                                                          \
    }
#define LIST_WHERE(condition)                                                                      \
    LIST(OF_STATE("waiting", condition) " union all " OF_STATE(                                    \
        "replayed", condition) " union all " OF_STATE("discarded", condition))
static const ChPgStatement sql_list_all = LIST_WHERE("");
static const ChPgStatement sql_list_queue = LIST_WHERE(" and queue = $2");
static const ChPgStatement sql_list_type = LIST_WHERE(" and message_type = $3");
static const ChPgStatement sql_list_queue_and_type =
    LIST_WHERE(" and queue = $2 and message_type = $3");
/* An order has few. */
static const ChPgStatement sql_list_subject =
    LIST("select * from (select * from dead_letters where subject = $7 offset 0) about"
         " where ($2 is null or queue = $2) and ($3 is null or message_type = $3)"
         " and ($5 is null or $5 = coalesce(act, 'waiting'))" LATER);

/* $1 id, $2 how much of the body. */
static const ChPgStatement sql_find_letter = {
    "select " COLUMNS ", substr(body, 1, $2::int),"
    " (select e.body from letter_edits e where e.letter_id = id)"
    " from dead_letters where id = $1",
    { CH_PG_UUID, CH_PG_INT },
};

/* $1 id. A statement of its own: one that waited for the lock would see the letter as it is now,
 * and its edit as it was before. */
static const ChPgStatement sql_lock_letter = {
    "select from dead_letters where id = $1 for update",
    { CH_PG_UUID },
};

/* $1 id, $2 act, $3 by whom, $4 why, $5 as whom, $6 by which job or null. The row is locked and
 * waits; the condition says so again to whoever reads this statement alone. */
static const ChPgStatement sql_note_act = {
    "update dead_letters set act = $2, acted_by = $3, acted_why = $4, acted_as = $5,"
    " acted_at = now(), replay_job = $6"
    " where id = $1 and act is null",
    { CH_PG_UUID, CH_PG_TEXT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_UUID },
};

static const char *const state_names[] = {
    [CH_DEAD_LETTER_WAITING] = "waiting",
    [CH_DEAD_LETTER_REPLAYED] = "replayed",
    [CH_DEAD_LETTER_DISCARDED] = "discarded",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == CH_DEAD_LETTER_STATES_N);

const char *ch_dead_letter_state_name(ChDeadLetterState state)
{
    return state_names[state];
}

bool ch_dead_letter_state_parse(const char *name, ChDeadLetterState *state)
{
    for (int i = 0; i < CH_DEAD_LETTER_STATES_N; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *state = (ChDeadLetterState)i;
            return true;
        }
    }
    return false;
}

void ch_dead_letter_free(void *opaque)
{
    ChDeadLetter *letter = opaque;
    if (letter == NULL)
        return;
    g_free(letter->queue);
    g_free(letter->message_id);
    g_free(letter->message_type);
    g_free(letter->traceparent);
    g_free(letter->reason);
    g_free(letter->body_sha256);
    g_free(letter->body);
    g_free(letter->edited_body);
    g_free(letter->acted_by);
    g_free(letter->acted_why);
    g_free(letter->acted_as);
    g_free(letter);
}

static ChDeadLetter *read_letter(const ChPgRows *rows, size_t row)
{
    ChDeadLetter *letter = g_new0(ChDeadLetter, 1);
    const char *act = ch_pg_text(rows, row, LETTER_ACT);
    letter->id = ch_pg_uuid(rows, row, LETTER_ID);
    letter->queue = g_strdup(ch_pg_text(rows, row, LETTER_QUEUE));
    letter->message_id = g_strdup(ch_pg_text(rows, row, LETTER_MESSAGE_ID));
    letter->message_type = g_strdup(ch_pg_text(rows, row, LETTER_TYPE));
    letter->traceparent = g_strdup(ch_pg_text(rows, row, LETTER_TRACEPARENT));
    letter->reason = g_strdup(ch_pg_text(rows, row, LETTER_REASON));
    letter->attempts = ch_pg_int(rows, row, LETTER_ATTEMPTS);
    letter->died_us = ch_pg_time(rows, row, LETTER_DIED_AT);
    letter->body_bytes = ch_pg_int(rows, row, LETTER_BODY_BYTES);
    bool known = act == NULL || ch_dead_letter_state_parse(act, &letter->state);
    g_assert(known); /* the table's own check allows no other name */
    letter->acted_by = g_strdup(ch_pg_text(rows, row, LETTER_ACTED_BY));
    letter->acted_why = g_strdup(ch_pg_text(rows, row, LETTER_ACTED_WHY));
    letter->acted_as = g_strdup(ch_pg_text(rows, row, LETTER_ACTED_AS));
    letter->acted_us = ch_pg_time(rows, row, LETTER_ACTED_AT);
    letter->subject = ch_pg_uuid(rows, row, LETTER_SUBJECT);
    letter->body_sha256 = g_strdup(ch_pg_text(rows, row, LETTER_BODY_SHA256));
    letter->replayed_as = ch_pg_uuid(rows, row, LETTER_REPLAYED_AS);
    letter->edited_bytes = (size_t)ch_pg_int(rows, row, LETTER_EDITED_BYTES);
    return letter;
}

static const ChPgStatement *statement_of(const ChDeadLetterFilter *filter)
{
    if (!ch_uuid_is_nil(filter->subject))
        return &sql_list_subject;
    if (filter->message_type != NULL)
        return filter->queue != NULL ? &sql_list_queue_and_type : &sql_list_type;
    return filter->queue != NULL ? &sql_list_queue : &sql_list_all;
}

bool ch_dead_letter_list(ChPg *pg, const ChDeadLetterFilter *filter, GPtrArray **letters,
                         GError **error)
{
    ChPgParams *params = ch_pg_params_new(statement_of(filter));
    ch_pg_add_uuid(params, 0, filter->after);
    ch_pg_add_text(params, 1, filter->queue);
    ch_pg_add_text(params, 2, filter->message_type);
    ch_pg_add_time(params, 3, filter->since_us);
    ch_pg_add_text(params, 4, filter->has_state ? state_names[filter->state] : NULL);
    ch_pg_add_int(params, 5, filter->limit);
    if (ch_uuid_is_nil(filter->subject))
        ch_pg_add_null(params, 6);
    else
        ch_pg_add_uuid(params, 6, filter->subject);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *letters = g_ptr_array_new_with_free_func(ch_dead_letter_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(*letters, read_letter(rows, row));
    return true;
}

char *ch_dead_letter_copy_body(const ChPgRows *rows, size_t row, int column, size_t *bytes)
{
    const uint8_t *body = ch_pg_bytes(rows, row, column, bytes);
    char *copy = g_malloc0(*bytes + 1);
    if (*bytes > 0)
        memcpy(copy, body, *bytes);
    return copy;
}

static bool lock_letter(ChPg *pg, ChUuid id, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_lock_letter);
    ch_pg_add_uuid(params, 0, id);
    return ch_pg_send(pg, params, NULL, error);
}

bool ch_dead_letter_find(ChPg *pg, ChUuid id, bool lock, ChDeadLetter **letter, GError **error)
{
    if (lock && !lock_letter(pg, id, error))
        return false;
    ChPgParams *params = ch_pg_params_new(&sql_find_letter);
    ch_pg_add_uuid(params, 0, id);
    ch_pg_add_int(params, 1, CH_EVENT_MAX_BYTES);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *letter = NULL;
    if (ch_pg_rows_count(rows) == 0)
        return true;
    *letter = read_letter(rows, 0);
    (*letter)->body = ch_dead_letter_copy_body(rows, 0, LETTER_BODY, &(*letter)->body_read);
    if (!ch_uuid_is_nil((*letter)->replayed_as))
        (*letter)->edited_body =
            ch_dead_letter_copy_body(rows, 0, LETTER_EDITED_BODY, &(*letter)->edited_bytes);
    return true;
}

bool ch_dead_letter_note(ChPg *pg, const ChDeadLetterNote *note, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_note_act);
    ch_pg_add_uuid(params, 0, note->id);
    ch_pg_add_text(params, 1, state_names[note->act]);
    ch_pg_add_text(params, 2, note->by);
    ch_pg_add_text(params, 3, note->why);
    ch_pg_add_text(params, 4, note->as);
    if (ch_uuid_is_nil(note->job))
        ch_pg_add_null(params, 5);
    else
        ch_pg_add_uuid(params, 5, note->job);
    return ch_pg_send(pg, params, NULL, error);
}
