/* A consumer inserts first and asks never: looking before inserting would race with another one. */
#include "chassis/messaging/inbox.h"

/* $1 consumer, $2 ids. In the order of the ids, so that two consumers cannot wait for each other.
 */
static const ChPgStatement sql_insert_inbox = {
    "insert into inbox (consumer, event_id)"
    " select $1, event_id from unnest($2) as recorded (event_id) order by event_id"
    " on conflict do nothing returning event_id",
    { CH_PG_TEXT, CH_PG_UUIDS },
};

/* The same; one row each, in their order. */
static const ChPgStatement sql_select_inbox = {
    "select i.event_id is not null from unnest($2) with ordinality as asked (event_id, place)"
    " left join inbox i on i.consumer = $1 and i.event_id = asked.event_id order by place",
    { CH_PG_TEXT, CH_PG_UUIDS },
};

bool ch_inbox_record(ChPg *pg, const char *consumer, const ChUuid *ids, size_t n, bool *fresh,
                     GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_inbox);
    ch_pg_add_text(params, 0, consumer);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 1, ids[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    g_autoptr(GHashTable) new_ids =
        g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    for (size_t i = 0; i < ch_pg_rows_count(rows); i++) {
        ChUuid id = ch_pg_uuid(rows, i, 0);
        g_hash_table_add(new_ids, g_memdup2(&id, sizeof id));
    }
    for (size_t i = 0; i < n; i++) /* the first of two equal ones takes the entry with it */
        fresh[i] = g_hash_table_remove(new_ids, &ids[i]);
    return true;
}

bool ch_inbox_knows(ChPg *pg, const char *consumer, const ChUuid *ids, size_t n, bool *known,
                    GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_inbox);
    ch_pg_add_text(params, 0, consumer);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 1, ids[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        known[i] = ch_pg_bool(rows, i, 0);
    return true;
}
