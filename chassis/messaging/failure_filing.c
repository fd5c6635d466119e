/* Ids of groups, and the letters that were written without one. */
#include "chassis/messaging/failure_filing.h"

#include "chassis/core/build.h"
#include "chassis/messaging/fingerprint.h"

#include <string.h>

enum {
    BATCH = 500, /* letters in one transaction: their rows are locked no longer than that */
};

/* $1 as ch_build_name() has it. A number is not used up where the build is known. */
static const ChPgStatement sql_note_build = {
    "insert into builds (version, build_id) select split_part($1, ' ', 1), split_part($1, ' ', 2)"
    " where not exists (select from builds where build_id = split_part($1, ' ', 2))"
    " on conflict (build_id) do nothing",
    { CH_PG_TEXT },
};

/* $1 how many. Another worker has those that are locked. */
static const ChPgStatement sql_find_unfiled = {
    "select id, queue, message_type, reason from dead_letters"
    " where group_id is null and queue ="
    "  (select queue from dead_letters where group_id is null order by queue, id limit 1)"
    " order by queue, id limit $1 for update skip locked",
    { CH_PG_INT },
};
enum {
    UNFILED_ID,
    UNFILED_QUEUE,
    UNFILED_TYPE,
    UNFILED_REASON,
};

/* $1 ids, $2 groups, $3 fingerprints; $4 the queue of all, $5 its rest. */
/* clang-format off */
static const ChPgStatement sql_file_letters = {
    "with letter as ("
    "  select * from unnest($1, $2, $3) as given (id, group_id, fingerprint)),"
    CH_FAILURE_PLACED("letter", "$4", "$5")
    " filed as ("
    "  update dead_letters held set group_id = placed.put from placed"
    "  where held.id = placed.id and held.group_id is null"
    "  returning held.id, held.group_id, held.queue, held.message_type, held.died_at, held.act)"
    CH_FAILURE_COUNTED("$5", "null::int"),
    { CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXT, CH_PG_UUID },
};
/* clang-format on */

/* $1 the letter, $2 whether it was replayed: 1, or 0. */
static const ChPgStatement sql_note_act = {
    "update failure_groups g set waiting = greatest(g.waiting - 1, 0),"
    " state = case when $2 = 1 and g.state in ('open', 'regressed') then 'replaying'"
    "  else g.state end"
    " from dead_letters l where l.id = $1 and g.id = l.group_id",
    { CH_PG_UUID, CH_PG_INT },
};

/* ---- ids ---- */

static const ChUuid groups_space = { { 0x5b, 0x0d, 0x9e, 0x71, 0x2c, 0x84, 0x4f, 0x36, 0xa1, 0x57,
                                       0xe8, 0x42, 0x90, 0xcb, 0x1d, 0x63 } };

/* A zero ends each part, so that no two keys are the same bytes. */
ChUuid ch_failure_group_id(const char *queue, const char *type, const char *fingerprint)
{
    g_autoptr(GString) key = g_string_new(queue);
    g_string_append_c(key, '\0');
    g_string_append(key, type == NULL ? "" : type);
    g_string_append_c(key, '\0');
    g_string_append(key, fingerprint);
    return ch_uuid_derive(groups_space, key->str, key->len);
}

/* No fingerprint ends a key that has one part alone. */
ChUuid ch_failure_other_id(const char *queue)
{
    return ch_uuid_derive(groups_space, queue, strlen(queue));
}

/* ---- letters of before ---- */

static bool file(ChPg *pg, const ChPgRows *rows, GError **error)
{
    const char *queue = ch_pg_text(rows, 0, UNFILED_QUEUE);
    ChPgParams *params = ch_pg_params_new(&sql_file_letters);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        g_autofree char *fingerprint = ch_fingerprint(ch_pg_text(rows, row, UNFILED_REASON));
        ch_pg_add_uuid(params, 0, ch_pg_uuid(rows, row, UNFILED_ID));
        ch_pg_add_uuid(
            params, 1,
            ch_failure_group_id(queue, ch_pg_text(rows, row, UNFILED_TYPE), fingerprint));
        ch_pg_add_text(params, 2, fingerprint);
    }
    ch_pg_add_text(params, 3, queue);
    ch_pg_add_uuid(params, 4, ch_failure_other_id(queue));
    return ch_pg_send(pg, params, NULL, error) && ch_pg_wait(pg, error);
}

bool ch_failure_file_old(ChPg *pg, bool *more, GError **error)
{
    char build[CH_BUILD_TEXT_BYTES];
    ch_build_name(build);
    ChPgParams *noted = ch_pg_params_new(&sql_note_build);
    ch_pg_add_text(noted, 0, build);
    if (!ch_pg_send(pg, noted, NULL, error))
        return false;
    ChPgParams *params = ch_pg_params_new(&sql_find_unfiled);
    ch_pg_add_int(params, 0, BATCH);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    size_t n = ch_pg_rows_count(rows);
    if (n > 0 && !file(pg, rows, error))
        return false;
    *more = n > 0;
    return true;
}

/* ---- acts ---- */

bool ch_failure_note_act(ChPg *pg, ChUuid id, bool replayed, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_note_act);
    ch_pg_add_uuid(params, 0, id);
    ch_pg_add_int(params, 1, replayed);
    return ch_pg_send(pg, params, NULL, error);
}
