/* SQL of the list. */
#include "chassis/audit/audit_log.h"

/* $1 above this id, $2 below this id, $3 at this time or later, $4 earlier than it, $5 how many,
 * then what the rows must have: each choice is a statement of its own, by the index that it has. */
#define LIST(condition, way, ...)                                                                  \
    {                                                                                              \
        "select id, number, happened_at, subject, roles, scope, token_id, action, object, "        \
        "object_id,"                                                                               \
        " before::text, after::text, trace_id, address, why from audit_log"                        \
        " where id > $1 and id < $2 and happened_at >= $3 and happened_at < $4" condition          \
        " order by id " way " limit $5",                                                           \
        {                                                                                          \
            CH_PG_UUID, CH_PG_UUID, CH_PG_TIME, CH_PG_TIME, CH_PG_INT, __VA_ARGS__                 \
        }                                                                                          \
    }
#define BOTH_WAYS(condition, ...)                                                                  \
    {                                                                                              \
        LIST(condition, "desc", __VA_ARGS__), LIST(condition, "asc", __VA_ARGS__)                  \
    }
static const ChPgStatement sql_list[] = BOTH_WAYS("", CH_PG_NONE);
static const ChPgStatement sql_list_object[] = BOTH_WAYS(" and object_id = $6", CH_PG_UUID);
static const ChPgStatement sql_list_subject[] = BOTH_WAYS(" and subject = $6", CH_PG_TEXT);
static const ChPgStatement sql_list_object_subject[] =
    BOTH_WAYS(" and object_id = $6 and subject = $7", CH_PG_UUID, CH_PG_TEXT);
enum {
    ROW_ID,
    ROW_NUMBER,
    ROW_HAPPENED_AT,
    ROW_SUBJECT,
    ROW_ROLES,
    ROW_SCOPE,
    ROW_TOKEN_ID,
    ROW_ACTION,
    ROW_OBJECT,
    ROW_OBJECT_ID,
    ROW_BEFORE,
    ROW_AFTER,
    ROW_TRACE_ID,
    ROW_ADDRESS,
    ROW_WHY,
};

struct ChAuditLog {
    ChPg *pg;
};

ChAuditLog *ch_audit_log_new(ChPg *pg)
{
    ChAuditLog *log = g_new0(ChAuditLog, 1);
    log->pg = pg;
    return log;
}

void ch_audit_log_free(ChAuditLog *log)
{
    g_free(log);
}

void ch_audit_row_free(void *opaque)
{
    ChAuditRow *row = opaque;
    if (row == NULL)
        return;
    g_free(row->subject);
    g_free(row->roles);
    g_free(row->scope);
    g_free(row->token_id);
    g_free(row->action);
    g_free(row->object);
    g_free(row->before);
    g_free(row->after);
    g_free(row->trace_id);
    g_free(row->address);
    g_free(row->why);
    g_free(row);
}

static ChPgParams *params_of(const ChAuditFilter *filter)
{
    bool by_object = !ch_uuid_is_nil(filter->object_id);
    bool by_subject = filter->subject != NULL;
    const ChPgStatement *both[] = { by_object ? sql_list_object : sql_list,
                                    by_object ? sql_list_object_subject : sql_list_subject };
    ChUuid after;
    ChUuid before;
    ch_page_bounds(&filter->page, &after, &before);
    ChPgParams *params = ch_pg_params_new(&both[by_subject][filter->page.oldest_first]);
    ch_pg_add_uuid(params, 0, after);
    ch_pg_add_uuid(params, 1, before);
    ch_pg_add_time(params, 2, filter->page.created.from_us);
    ch_pg_add_time(params, 3, filter->page.created.before_us);
    ch_pg_add_int(params, 4, filter->page.rows);
    if (by_object)
        ch_pg_add_uuid(params, 5, filter->object_id);
    if (by_subject)
        ch_pg_add_text(params, by_object ? 6 : 5, filter->subject);
    return params;
}

static ChAuditRow *row_from(const ChPgRows *rows, size_t row)
{
    ChAuditRow *read = g_new0(ChAuditRow, 1);
    read->id = ch_pg_uuid(rows, row, ROW_ID);
    read->number = ch_pg_int(rows, row, ROW_NUMBER);
    read->happened_us = ch_pg_time(rows, row, ROW_HAPPENED_AT);
    read->subject = g_strdup(ch_pg_text(rows, row, ROW_SUBJECT));
    read->roles = g_strdup(ch_pg_text(rows, row, ROW_ROLES));
    read->scope = g_strdup(ch_pg_text(rows, row, ROW_SCOPE));
    read->token_id = g_strdup(ch_pg_text(rows, row, ROW_TOKEN_ID));
    read->action = g_strdup(ch_pg_text(rows, row, ROW_ACTION));
    read->object = g_strdup(ch_pg_text(rows, row, ROW_OBJECT));
    read->object_id = ch_pg_uuid(rows, row, ROW_OBJECT_ID);
    read->before = g_strdup(ch_pg_text(rows, row, ROW_BEFORE));
    read->after = g_strdup(ch_pg_text(rows, row, ROW_AFTER));
    read->trace_id = g_strdup(ch_pg_text(rows, row, ROW_TRACE_ID));
    read->address = g_strdup(ch_pg_text(rows, row, ROW_ADDRESS));
    read->why = g_strdup(ch_pg_text(rows, row, ROW_WHY));
    return read;
}

bool ch_audit_log_list(ChAuditLog *log, const ChAuditFilter *filters, size_t n, GPtrArray **pages,
                       GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = params_of(&filters[i]);
    ChPgRows **rows = ch_pg_query_all(log->pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        pages[i] = g_ptr_array_new_with_free_func(ch_audit_row_free);
        for (size_t row = 0; row < ch_pg_rows_count(rows[i]); row++)
            g_ptr_array_add(pages[i], row_from(rows[i], row));
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}
