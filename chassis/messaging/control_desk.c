/* SQL of pausing and resuming. */
#include "chassis/messaging/control_desk.h"

#define IS_PAUSED "(paused_at is not null and (paused_until is null or paused_until > now()))"
#define COLUMNS "name, kind, " IS_PAUSED ", paused_at, paused_until, paused_by, paused_why"
enum {
    ENTRY_NAME,
    ENTRY_KIND,
    ENTRY_PAUSED,
    ENTRY_PAUSED_AT,
    ENTRY_PAUSED_UNTIL,
    ENTRY_BY,
    ENTRY_WHY,
};

static const ChPgStatement sql_list_controls = {
    "select " COLUMNS " from controls order by name",
    { CH_PG_NONE },
};

/* $1 name. */
static const ChPgStatement sql_lock_control = {
    "select " COLUMNS " from controls where name = $1 for update",
    { CH_PG_TEXT },
};

/* $1 name, $2 until or null, $3 by whom, $4 why. One that is paused has been so since it was. */
static const ChPgStatement sql_pause_control = {
    "update controls set paused_at = case when " IS_PAUSED " then paused_at else now() end,"
    " paused_until = $2, paused_by = $3, paused_why = $4 where name = $1 returning " COLUMNS,
    { CH_PG_TEXT, CH_PG_TIME, CH_PG_TEXT, CH_PG_TEXT },
};

/* $1 name. */
static const ChPgStatement sql_resume_control = {
    "update controls set paused_at = null, paused_until = null, paused_by = null,"
    " paused_why = null where name = $1 returning " COLUMNS,
    { CH_PG_TEXT },
};

struct ChControlDesk {
    ChPg *pg;
};

ChControlDesk *ch_control_desk_new(ChPg *pg)
{
    ChControlDesk *desk = g_new0(ChControlDesk, 1);
    desk->pg = pg;
    return desk;
}

void ch_control_desk_free(ChControlDesk *desk)
{
    g_free(desk);
}

void ch_control_entry_free(void *opaque)
{
    ChControlEntry *entry = opaque;
    if (entry == NULL)
        return;
    g_free(entry->name);
    g_free(entry->kind);
    g_free(entry->by);
    g_free(entry->why);
    g_free(entry);
}

static ChControlEntry *read_entry(const ChPgRows *rows, size_t row)
{
    ChControlEntry *entry = g_new0(ChControlEntry, 1);
    entry->name = g_strdup(ch_pg_text(rows, row, ENTRY_NAME));
    entry->kind = g_strdup(ch_pg_text(rows, row, ENTRY_KIND));
    entry->paused = ch_pg_bool(rows, row, ENTRY_PAUSED);
    if (!entry->paused)
        return entry;
    entry->paused_us = ch_pg_time(rows, row, ENTRY_PAUSED_AT);
    entry->paused_until_us = ch_pg_time(rows, row, ENTRY_PAUSED_UNTIL);
    entry->by = g_strdup(ch_pg_text(rows, row, ENTRY_BY));
    entry->why = g_strdup(ch_pg_text(rows, row, ENTRY_WHY));
    return entry;
}

/* *entry: NULL when there is no row. */
static bool query_one(ChControlDesk *desk, ChPgParams *params, ChControlEntry **entry,
                      GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(desk->pg, params, error);
    if (rows == NULL)
        return false;
    *entry = ch_pg_rows_count(rows) == 0 ? NULL : read_entry(rows, 0);
    return true;
}

bool ch_control_desk_list(ChControlDesk *desk, GPtrArray **entries, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(desk->pg, ch_pg_params_new(&sql_list_controls), error);
    if (rows == NULL)
        return false;
    *entries = g_ptr_array_new_with_free_func(ch_control_entry_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(*entries, read_entry(rows, row));
    return true;
}

bool ch_control_desk_lock(ChControlDesk *desk, const char *name, ChControlEntry **entry,
                          GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_lock_control);
    ch_pg_add_text(params, 0, name);
    return query_one(desk, params, entry, error);
}

bool ch_control_desk_pause(ChControlDesk *desk, const char *name, int64_t until_us, const char *by,
                           const char *why, ChControlEntry **entry, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_pause_control);
    ch_pg_add_text(params, 0, name);
    if (until_us == 0)
        ch_pg_add_null(params, 1);
    else
        ch_pg_add_time(params, 1, until_us);
    ch_pg_add_text(params, 2, by);
    ch_pg_add_text(params, 3, why);
    return query_one(desk, params, entry, error);
}

bool ch_control_desk_resume(ChControlDesk *desk, const char *name, ChControlEntry **entry,
                            GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_resume_control);
    ch_pg_add_text(params, 0, name);
    return query_one(desk, params, entry, error);
}
