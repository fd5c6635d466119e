/* The log of notifications. */
#include "notification/infrastructure/pg_log.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"
#include "notification/infrastructure/values_json.h"

/* Newest first, and oldest first. $1 order or null, $2 status or null, $3 before this id, $4 how
 * many, $5 after this id, $6 created at this time or later, $7 earlier than it. One statement for
 * each index: a plan made for any filter would read the whole log for a rare one. The ids narrow
 * what is read down to the times, about. */
#define LIST_WHERE(condition, way)                                                                 \
    {                                                                                              \
        "select id, event_id, order_id, customer_id, template_code, status, channel, attempts,"    \
        " parameters::text, destination, subject, body, error, customer_source, trace_id,"         \
        " created_at, updated_at, due_at, sent_at, resent_at from notifications where " condition  \
        " and ($2 is null or status = $2) and id < $3 and id > $5 and created_at >= $6"            \
        " and created_at < $7 order by id " way " limit $4",                                       \
        {                                                                                          \
            CH_PG_UUID, CH_PG_INT, CH_PG_UUID, CH_PG_INT, CH_PG_UUID, CH_PG_TIME, CH_PG_TIME       \
        }                                                                                          \
    }
#define BOTH_WAYS(condition)                                                                       \
    {                                                                                              \
        LIST_WHERE(condition, "desc"), LIST_WHERE(condition, "asc")                                \
    }
static const ChPgStatement sql_list_of_order[] = BOTH_WAYS("order_id = $1");
static const ChPgStatement sql_list_unfinished[] = BOTH_WAYS("$1 is null and status in (1, 2)");
static const ChPgStatement sql_list_failed[] = BOTH_WAYS("$1 is null and status = 4");
static const ChPgStatement sql_list_all[] = BOTH_WAYS("$1 is null");
enum {
    LIST_ID,
    LIST_EVENT_ID,
    LIST_ORDER_ID,
    LIST_CUSTOMER_ID,
    LIST_CODE,
    LIST_STATUS,
    LIST_CHANNEL,
    LIST_ATTEMPTS,
    LIST_PARAMETERS,
    LIST_DESTINATION,
    LIST_SUBJECT,
    LIST_BODY,
    LIST_ERROR,
    LIST_SOURCE,
    LIST_TRACE_ID,
    LIST_CREATED_AT,
    LIST_UPDATED_AT,
    LIST_DUE_AT,
    LIST_SENT_AT,
    LIST_RESENT_AT,
};

typedef struct {
    NotificationLog base;
    ChPg *pg;
} PgLog;

static const NotificationLogOps pg_log_ops;

static NotificationEntry *read_entry(const ChPgRows *rows, size_t row)
{
    NotificationEntry *entry = g_new0(NotificationEntry, 1);
    entry->id = ch_pg_uuid(rows, row, LIST_ID);
    entry->event_id = ch_pg_uuid(rows, row, LIST_EVENT_ID);
    entry->order_id = ch_pg_uuid(rows, row, LIST_ORDER_ID);
    entry->customer_id = ch_pg_uuid(rows, row, LIST_CUSTOMER_ID);
    entry->code = notification_code_find(ch_pg_text(rows, row, LIST_CODE));
    entry->status = (NotificationStatus)ch_pg_int(rows, row, LIST_STATUS);
    entry->channel = (NotificationChannelKind)ch_pg_int(rows, row, LIST_CHANNEL);
    entry->attempts = ch_pg_int(rows, row, LIST_ATTEMPTS);
    notification_values_from_json(ch_pg_text(rows, row, LIST_PARAMETERS), entry->code,
                                  &entry->values);
    entry->destination = g_strdup(ch_pg_text(rows, row, LIST_DESTINATION));
    entry->subject = g_strdup(ch_pg_text(rows, row, LIST_SUBJECT));
    entry->body = g_strdup(ch_pg_text(rows, row, LIST_BODY));
    entry->error = g_strdup(ch_pg_text(rows, row, LIST_ERROR));
    entry->customer_source = g_strdup(ch_pg_text(rows, row, LIST_SOURCE));
    entry->trace_id = g_strdup(ch_pg_text(rows, row, LIST_TRACE_ID));
    entry->created_us = ch_pg_time(rows, row, LIST_CREATED_AT);
    entry->updated_us = ch_pg_time(rows, row, LIST_UPDATED_AT);
    entry->due_us = ch_pg_time(rows, row, LIST_DUE_AT);
    if (!ch_pg_is_null(rows, row, LIST_SENT_AT))
        entry->sent_us = ch_pg_time(rows, row, LIST_SENT_AT);
    if (!ch_pg_is_null(rows, row, LIST_RESENT_AT))
        entry->resent_us = ch_pg_time(rows, row, LIST_RESENT_AT);
    return entry;
}

/* Both ways of the list. */
static const ChPgStatement *statements_for(const NotificationFilter *filter)
{
    if (filter->has_order)
        return sql_list_of_order;
    if (!filter->has_status || filter->status == NOTIFICATION_SENT)
        return sql_list_all;
    return filter->status == NOTIFICATION_FAILED ? sql_list_failed : sql_list_unfinished;
}

static ChPgParams *filter_params(const NotificationFilter *filter)
{
    ChUuid after;
    ChUuid before;
    ch_page_bounds(&filter->page, &after, &before);
    ChPgParams *params = ch_pg_params_new(&statements_for(filter)[filter->page.oldest_first]);
    if (filter->has_order)
        ch_pg_add_uuid(params, 0, filter->order_id);
    else
        ch_pg_add_null(params, 0);
    if (filter->has_status)
        ch_pg_add_int(params, 1, filter->status);
    else
        ch_pg_add_null(params, 1);
    ch_pg_add_uuid(params, 2, before);
    ch_pg_add_int(params, 3, filter->page.rows);
    ch_pg_add_uuid(params, 4, after);
    ch_pg_add_time(params, 5, filter->page.created.from_us);
    ch_pg_add_time(params, 6, filter->page.created.before_us);
    return params;
}

static GPtrArray *page_from(const ChPgRows *rows)
{
    GPtrArray *page = g_ptr_array_new_with_free_func(notification_entry_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(page, read_entry(rows, row));
    return page;
}

static bool list(NotificationLog *self, const NotificationFilter *filters, size_t n,
                 GPtrArray **pages, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = filter_params(&filters[i]);
    ChPgRows **rows = ch_pg_query_all(CH_CAST(PgLog, self, &pg_log_ops)->pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        pages[i] = page_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

static void free_log(NotificationLog *self)
{
    g_free(CH_CAST(PgLog, self, &pg_log_ops));
}

static const NotificationLogOps pg_log_ops = {
    .list = list,
    .free = free_log,
};

NotificationLog *notification_pg_log_new(ChPg *pg)
{
    PgLog *log = g_new0(PgLog, 1);
    log->base.ops = &pg_log_ops;
    log->pg = pg;
    return &log->base;
}
