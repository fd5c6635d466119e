/* SQL of whole letters. */
#include "chassis/messaging/dead_letter_transfer.h"

#include "chassis/json/json_writer.h"

#include <string.h>

/* $1 letters, $2 how much of a body. */
static const ChPgStatement sql_read_bodies = {
    "select l.id, substr(l.body, 1, $2::int), e.body from dead_letters l"
    " left join letter_edits e on e.letter_id = l.id where l.id = any($1)",
    { CH_PG_UUIDS, CH_PG_INT },
};
enum {
    READ_ID,
    READ_BODY,
    READ_EDITED,
};

/* One array a column, an element a letter; of one about which nothing was done $13 is null,
 * and of one that was not edited $14 is. In the order of ids, so that two who bring the same
 * wait for each other in one order. Of two with one id the first; and no event was sent in the
 * place of two letters. */
static const ChPgStatement sql_insert_letters = {
    "with line as ("
    "  select distinct on (id) *, (acted::jsonb->>'replayedAs')::uuid as replayed_as"
    "  from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    "    with ordinality as given (id, queue, message_id, message_type, body, reason, attempts,"
    "      traceparent, died_at, body_bytes, body_sha256, subject, acted, edited, place)"
    "  order by id, place),"
    " added as ("
    "  insert into dead_letters (id, queue, message_id, message_type, body, reason, attempts,"
    "    traceparent, died_at, body_bytes, body_sha256, subject,"
    "    act, acted_by, acted_why, acted_as, acted_at)"
    "  select id, queue, message_id, message_type, body, reason, attempts, traceparent, died_at,"
    "    body_bytes, decode(body_sha256, 'hex'),"
    "    nullif(subject, '00000000-0000-0000-0000-000000000000'),"
    "    acted::jsonb->>'act', acted::jsonb->>'by', acted::jsonb->>'why', acted::jsonb->>'as',"
    "    (acted::jsonb->>'at')::timestamptz"
    "  from line"
    "  where not exists (select from letter_edits e where e.message_id = line.replayed_as)"
    "   and not exists (select from line earlier"
    "    where earlier.replayed_as = line.replayed_as and earlier.place < line.place)"
    "  order by id on conflict (id) do nothing returning id),"
    " edits as ("
    "  insert into letter_edits (letter_id, message_id, body)"
    "  select id, replayed_as, edited from line"
    "  where edited is not null and id in (select id from added) order by id)"
    " select id from added",
    { CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_TEXTS, CH_PG_INTS,
      CH_PG_TEXTS, CH_PG_TIMES, CH_PG_INTS, CH_PG_TEXTS, CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_BYTES },
};
enum {
    INSERT_ID,
    INSERT_QUEUE,
    INSERT_MESSAGE_ID,
    INSERT_TYPE,
    INSERT_BODY,
    INSERT_REASON,
    INSERT_ATTEMPTS,
    INSERT_TRACEPARENT,
    INSERT_DIED_AT,
    INSERT_BODY_BYTES,
    INSERT_BODY_SHA256,
    INSERT_SUBJECT,
    INSERT_ACTED,
    INSERT_EDITED,
};

/* $1 letters. */
static const ChPgStatement sql_read_hashes = {
    "select id, queue, encode(coalesce(body_sha256, sha256(body)), 'hex') from dead_letters"
    " where id = any($1)",
    { CH_PG_UUIDS },
};
enum {
    HASH_ID,
    HASH_QUEUE,
    HASH_SHA256,
};

static guint hash_id(const void *id)
{
    guint hash;
    memcpy(&hash, (const char *)id + sizeof(ChUuid) - sizeof hash, sizeof hash);
    return hash;
}

static gboolean equal_ids(const void *a, const void *b)
{
    return ch_uuid_equal(*(const ChUuid *)a, *(const ChUuid *)b);
}

/* Letters by their ids, the first of each. Borrows them. */
static GHashTable *by_id(ChDeadLetter *const *letters, size_t n)
{
    GHashTable *table = g_hash_table_new(hash_id, equal_ids);
    for (size_t i = 0; i < n; i++) {
        if (!g_hash_table_contains(table, &letters[i]->id))
            g_hash_table_insert(table, &letters[i]->id, letters[i]);
    }
    return table;
}

/* ---- out ---- */

bool ch_dead_letter_bodies(ChPg *pg, ChDeadLetter *const *letters, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_read_bodies);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, letters[i]->id);
    ch_pg_add_int(params, 1, CH_EVENT_MAX_BYTES);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    g_autoptr(GHashTable) wanted = by_id(letters, n);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        const ChUuid id = ch_pg_uuid(rows, row, READ_ID);
        ChDeadLetter *letter = g_hash_table_lookup(wanted, &id);
        letter->body = ch_dead_letter_copy_body(rows, row, READ_BODY, &letter->body_read);
        if (!ch_uuid_is_nil(letter->replayed_as))
            letter->edited_body =
                ch_dead_letter_copy_body(rows, row, READ_EDITED, &letter->edited_bytes);
    }
    return true;
}

/* ---- in ---- */

/* What was done about @letter, as JSON; new, NULL: nothing. */
static char *acted(const ChDeadLetter *letter)
{
    if (letter->state == CH_DEAD_LETTER_WAITING)
        return NULL;
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "act", ch_dead_letter_state_name(letter->state));
    ch_json_add_text(json, "by", letter->acted_by);
    ch_json_add_text(json, "why", letter->acted_why);
    ch_json_add_text(json, "as", letter->acted_as);
    ch_json_add_time(json, "at", letter->acted_us);
    if (letter->edited_body != NULL)
        ch_json_add_uuid(json, "replayedAs", letter->replayed_as);
    ch_json_end_object(json);
    return g_string_free(json, FALSE);
}

static void add_letter(ChPgParams *params, const ChDeadLetter *letter)
{
    g_autofree char *done = acted(letter);
    ch_pg_add_uuid(params, INSERT_ID, letter->id);
    ch_pg_add_text(params, INSERT_QUEUE, letter->queue);
    ch_pg_add_text(params, INSERT_MESSAGE_ID, letter->message_id);
    ch_pg_add_text(params, INSERT_TYPE, letter->message_type);
    ch_pg_add_bytes(params, INSERT_BODY, letter->body, letter->body_read);
    ch_pg_add_text(params, INSERT_REASON, letter->reason);
    ch_pg_add_int(params, INSERT_ATTEMPTS, letter->attempts);
    ch_pg_add_text(params, INSERT_TRACEPARENT, letter->traceparent);
    ch_pg_add_time(params, INSERT_DIED_AT, letter->died_us);
    ch_pg_add_int(params, INSERT_BODY_BYTES, letter->body_bytes);
    ch_pg_add_text(params, INSERT_BODY_SHA256, letter->body_sha256);
    ch_pg_add_uuid(params, INSERT_SUBJECT, letter->subject);
    ch_pg_add_text(params, INSERT_ACTED, done);
    ch_pg_add_bytes(params, INSERT_EDITED, letter->edited_body, letter->edited_bytes);
}

/* *added: the ids of those that were not there. */
static bool insert(ChPg *pg, ChDeadLetter *const *letters, size_t n, ChPgRows **added,
                   GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_letters);
    for (size_t i = 0; i < n; i++)
        add_letter(params, letters[i]);
    *added = ch_pg_query(pg, params, error);
    return *added != NULL;
}

static bool is_same(const ChPgRows *rows, size_t row, const ChDeadLetter *letter)
{
    return strcmp(ch_pg_text(rows, row, HASH_QUEUE), letter->queue) == 0 &&
           strcmp(ch_pg_text(rows, row, HASH_SHA256), letter->body_sha256) == 0;
}

/* outcomes[i] KNOWN or DIFFERS by what is here with the id of letters[i]. */
static bool compare(ChPg *pg, ChDeadLetter *const *letters, size_t n, ChLetterImport *outcomes,
                    GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_read_hashes);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, letters[i]->id);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    g_autoptr(GHashTable) places =
        g_hash_table_new_full(hash_id, equal_ids, g_free, NULL); /* id -> row */
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        const ChUuid id = ch_pg_uuid(rows, row, HASH_ID);
        g_hash_table_insert(places, g_memdup2(&id, sizeof id), GSIZE_TO_POINTER(row));
    }
    for (size_t i = 0; i < n; i++) {
        void *row = NULL;
        bool here = g_hash_table_lookup_extended(places, &letters[i]->id, NULL, &row);
        bool same = here && is_same(rows, GPOINTER_TO_SIZE(row), letters[i]);
        outcomes[i] = same ? CH_LETTER_KNOWN : CH_LETTER_DIFFERS;
    }
    return true;
}

static void mark_added(const ChPgRows *added, ChDeadLetter *const *letters, size_t n,
                       ChLetterImport *outcomes)
{
    g_autoptr(GHashTable) first = by_id(letters, n);
    g_autoptr(GHashTable) ids = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (size_t row = 0; row < ch_pg_rows_count(added); row++) {
        const ChUuid id = ch_pg_uuid(added, row, 0);
        g_hash_table_add(ids, g_hash_table_lookup(first, &id));
    }
    for (size_t i = 0; i < n; i++) {
        if (g_hash_table_contains(ids, letters[i]))
            outcomes[i] = CH_LETTER_ADDED;
    }
}

/* Of letters of queues that the service consumes. */
static bool import(ChPg *pg, ChDeadLetter *const *letters, size_t n, ChLetterImport *outcomes,
                   GError **error)
{
    g_autoptr(ChPgRows) added = NULL;
    if (!insert(pg, letters, n, &added, error) || !compare(pg, letters, n, outcomes, error))
        return false;
    mark_added(added, letters, n, outcomes);
    return true;
}

bool ch_dead_letter_import(const ChDeadLetterAdmin *admin, ChDeadLetter *const *letters, size_t n,
                           ChLetterImport *outcomes, GError **error)
{
    g_autofree ChDeadLetter **ours = g_new0(ChDeadLetter *, n + 1);
    g_autofree ChLetterImport *told = g_new0(ChLetterImport, n + 1);
    size_t ours_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_dead_letter_consumer(admin, letters[i]->queue) != NULL)
            ours[ours_n++] = letters[i];
    }
    if (ours_n > 0 && !import(admin->pg, ours, ours_n, told, error))
        return false;
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_ours = next < ours_n && ours[next] == letters[i];
        outcomes[i] = is_ours ? told[next++] : CH_LETTER_FOREIGN;
    }
    return true;
}
