/* Judging an edited body, and sending it. */
#include "chassis/messaging/dead_letter_edit.h"

#include "chassis/messaging/inbox.h"

#include <string.h>

/* $1 queue. */
static const ChPgStatement sql_find_running_job = {
    "select id from replay_jobs where queue = $1 and state = 'running' and not dry_run",
    { CH_PG_TEXT },
};

/* $1 the id of an event. */
static const ChPgStatement sql_find_edit = {
    "select letter_id from letter_edits where message_id = $1",
    { CH_PG_UUID },
};

/* $1 letter, $2 the id of its event now, $3 its body now. */
static const ChPgStatement sql_insert_edit = {
    "insert into letter_edits (letter_id, message_id, body) select $1, $2, ($3)[1]",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_BYTES },
};

/* A letter with another body. */
typedef struct {
    const ChDeadLetter *letter;
    const ChDeadLetterEdit *edit;
    const ChSubscriptionConfig *consumer;
    ChEvent *event; /* of the new body; owned */
    ChEvent *was;   /* of the old one; owned, NULL: that is no event */
    char id[CH_UUID_TEXT_BYTES];
} Draft;

static void draft_clear(Draft *draft)
{
    ch_event_free(draft->event);
    ch_event_free(draft->was);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

/* ---- the body ---- */

static bool is_old(const Draft *draft, ChUuid id)
{
    char text[CH_UUID_TEXT_BYTES];
    ch_uuid_format(id, text);
    const char *message_id = draft->letter->message_id;
    return (message_id != NULL && g_ascii_strcasecmp(text, message_id) == 0) ||
           (draft->was != NULL &&
            (ch_uuid_equal(id, draft->was->id) || ch_uuid_equal(id, draft->was->told_as)));
}

/* Reads the new body. What is wrong with it, a sentence, new; NULL: nothing. */
static char *read_body(Draft *draft)
{
    const ChDeadLetter *letter = draft->letter;
    g_autoptr(GError) why = NULL;
    char *fault = NULL;
    draft->event =
        ch_event_parse(draft->edit->body, draft->edit->body_bytes, letter->traceparent, &why);
    if (draft->event == NULL)
        return g_strdup(why->message);
    if (letter->body_read > 0)
        draft->was = ch_event_parse(letter->body, letter->body_read, NULL, NULL);
    if (is_old(draft, draft->event->id) || is_old(draft, draft->event->told_as))
        return g_strdup("EventId must be another than the letter's own: it is another event");
    ch_uuid_format(draft->event->id, draft->id);
    ch_command_free(ch_subscription_decode(draft->consumer, draft->event, &fault));
    return fault;
}

/* ---- guards ---- */

/* As the letter would be with the new body. */
static ChDeadLetter edited(const Draft *draft)
{
    ChDeadLetter letter = *draft->letter;
    letter.body = (char *)draft->edit->body;
    letter.body_read = draft->edit->body_bytes;
    letter.body_bytes = (int64_t)draft->edit->body_bytes;
    letter.message_id = (char *)draft->id;
    letter.message_type = draft->event->type;
    return letter;
}

/* *id: the one that @params find, or nil. */
static bool find_id(ChPg *pg, ChPgParams *params, ChUuid *id, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *id = ch_pg_rows_count(rows) == 0 ? (ChUuid){ { 0 } } : ch_pg_uuid(rows, 0, 0);
    return true;
}

static bool ask_jobs(const ChDeadLetterAdmin *admin, const Draft *draft, char **blocker,
                     GError **error)
{
    ChUuid job;
    char text[CH_UUID_TEXT_BYTES];
    ChPgParams *params = ch_pg_params_new(&sql_find_running_job);
    ch_pg_add_text(params, 0, draft->letter->queue);
    if (!find_id(admin->pg, params, &job, error))
        return false;
    ch_uuid_format(job, text);
    if (!ch_uuid_is_nil(job))
        *blocker = g_strdup_printf("job %s replays letters of %s at this moment: pause it first",
                                   text, draft->letter->queue);
    return true;
}

static bool ask_edits(const ChDeadLetterAdmin *admin, const Draft *draft, char **blocker,
                      GError **error)
{
    ChUuid other;
    char text[CH_UUID_TEXT_BYTES];
    ChPgParams *params = ch_pg_params_new(&sql_find_edit);
    ch_pg_add_uuid(params, 0, draft->event->id);
    if (!find_id(admin->pg, params, &other, error))
        return false;
    ch_uuid_format(other, text);
    if (!ch_uuid_is_nil(other))
        *blocker = g_strdup_printf("event %s was sent in the place of dead letter %s: choose"
                                   " another EventId",
                                   draft->id, text);
    return true;
}

/* By what the inbox knows the event that died; of a body that tells nothing (it was erased, or is
 * no event) its message says it. False: by nothing. */
static bool old_id(const Draft *draft, ChUuid *id)
{
    const char *message_id = draft->letter->message_id;
    if (draft->was == NULL)
        return message_id != NULL && ch_uuid_parse(message_id, strlen(message_id), id);
    *id = draft->was->told_as;
    return true;
}

/* Notes @id in the inbox, as if it had taken effect: a second letter of the event, or a copy of it
 * in a queue, would have its effect beside the new one's. */
static bool record(ChPg *pg, const Draft *draft, ChUuid id, bool *fresh, GError **error)
{
    const ChSubscriptionConfig *consumer = draft->consumer;
    return ch_inbox_record(pg, consumer->queue->name, &id, 1, fresh, error) &&
           (!*fresh || consumer->set_apart == NULL ||
            consumer->set_apart(consumer->context, id, error));
}

/* The guards of a replay look at the new event alone. The last of all, since it writes: what is
 * refused has noted nothing. */
static bool ask_inbox(const ChDeadLetterAdmin *admin, const Draft *draft, char **blocker,
                      GError **error)
{
    ChUuid id;
    char text[CH_UUID_TEXT_BYTES];
    const char *queue = draft->letter->queue;
    bool known = false;
    bool fresh = true;
    if (!old_id(draft, &id))
        return true;
    if (!(draft->edit->dry_run ? ch_inbox_knows(admin->pg, queue, &id, 1, &known, error)
                               : record(admin->pg, draft, id, &fresh, error)))
        return false;
    ch_uuid_format(id, text);
    if (known || !fresh)
        *blocker = g_strdup_printf("it took effect: %s has handled event %s", queue, text);
    return true;
}

/* What a replay of the new body asks. */
static bool ask_replay(const ChDeadLetterAdmin *admin, const Draft *draft, char **blocker,
                       GError **error)
{
    const ChDeadLetter letter = edited(draft);
    return ch_dead_letter_replay_blocker(admin, &letter, blocker, error);
}

/* *blocker: why it may not be sent, new; NULL when it may. */
static bool find_blocker(const ChDeadLetterAdmin *admin, const Draft *draft, char **blocker,
                         GError **error)
{
    static bool (*const guards[])(const ChDeadLetterAdmin *, const Draft *, char **, GError **) = {
        ask_jobs,
        ask_replay,
        ask_edits,
        ask_inbox,
    };
    *blocker = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(guards) && *blocker == NULL; i++) {
        if (!guards[i](admin, draft, blocker, error))
            return false;
    }
    return true;
}

/* ---- the act ---- */

static bool was_done(const Draft *draft)
{
    const ChDeadLetter *letter = draft->letter;
    return letter->state == CH_DEAD_LETTER_REPLAYED &&
           ch_uuid_equal(letter->replayed_as, draft->event->id) &&
           letter->edited_bytes == draft->edit->body_bytes &&
           memcmp(letter->edited_body, draft->edit->body, letter->edited_bytes) == 0;
}

static bool keep(ChPg *pg, const Draft *draft, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_edit);
    ch_pg_add_uuid(params, 0, draft->letter->id);
    ch_pg_add_uuid(params, 1, draft->event->id);
    ch_pg_add_bytes(params, 2, draft->edit->body, draft->edit->body_bytes);
    return ch_pg_send(pg, params, NULL, error);
}

static bool carry_out(const ChDeadLetterAdmin *admin, const Draft *draft, GError **error)
{
    const ChDeadLetterEdit *edit = draft->edit;
    const ChDeadLetter letter = edited(draft);
    const ChDeadLetterAction action = {
        .id = edit->id,
        .act = CH_DEAD_LETTER_REPLAYED,
        .by = edit->by,
        .why = edit->why,
        .as = edit->as,
        .trace = edit->trace,
    };
    return edit->dry_run ||
           (ch_dead_letter_send(admin, &letter, &action, error) && keep(admin->pg, draft, error));
}

/* The letter is there. */
static bool edit_letter(const ChDeadLetterAdmin *admin, const Draft *draft,
                        ChDeadLetterEditOutcome *outcome, GError **error)
{
    char *blocker = NULL;
    if (was_done(draft)) {
        *outcome = (ChDeadLetterEditOutcome){ .result = CH_DEAD_LETTER_EDITED_BEFORE,
                                              .message_id = draft->event->id };
        return true;
    }
    if (!find_blocker(admin, draft, &blocker, error))
        return false;
    if (blocker != NULL) {
        *outcome = (ChDeadLetterEditOutcome){ CH_DEAD_LETTER_EDIT_REFUSED, .why = blocker };
        return true;
    }
    if (!carry_out(admin, draft, error))
        return false;
    *outcome = (ChDeadLetterEditOutcome){
        .result = CH_DEAD_LETTER_EDITED,
        .message_id = draft->event->id,
        .was = g_strdup(draft->letter->message_id),
        .was_sha = g_strdup(draft->letter->body_sha256),
    };
    return true;
}

bool ch_dead_letter_edit(const ChDeadLetterAdmin *admin, const ChDeadLetterEdit *edit,
                         ChDeadLetterEditOutcome *outcome, GError **error)
{
    g_autoptr(ChDeadLetter) letter = NULL;
    if (!ch_dead_letter_find(admin->pg, edit->id, !edit->dry_run, &letter, error))
        return false;
    *outcome = (ChDeadLetterEditOutcome){ .result = CH_DEAD_LETTER_EDIT_UNKNOWN };
    if (letter == NULL)
        return true;
    g_auto(Draft)
        draft = { letter, edit, ch_dead_letter_consumer(admin, letter->queue), NULL, NULL, "" };
    *outcome = (ChDeadLetterEditOutcome){ .result = CH_DEAD_LETTER_EDIT_REFUSED };
    if (draft.consumer == NULL) {
        outcome->why = g_strdup_printf("this service does not consume %s", letter->queue);
        return true;
    }
    char *fault = read_body(&draft);
    if (fault == NULL)
        return edit_letter(admin, &draft, outcome, error);
    *outcome = (ChDeadLetterEditOutcome){ CH_DEAD_LETTER_EDIT_INVALID, .why = fault };
    return true;
}

void ch_dead_letter_edit_outcome_clear(ChDeadLetterEditOutcome *outcome)
{
    g_free(outcome->why);
    g_free(outcome->was);
    g_free(outcome->was_sha);
}
