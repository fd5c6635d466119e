/* Reading templates. */
#include "notification/infrastructure/pg_template_reads.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"

#include <string.h>

#define TEMPLATE_COLUMNS                                                                           \
    "t.id, t.template_code, t.channel, t.language, t.subject, t.body, t.is_active, t.version"
enum {
    TEMPLATE_ID,
    TEMPLATE_CODE,
    TEMPLATE_CHANNEL,
    TEMPLATE_LANGUAGE,
    TEMPLATE_SUBJECT,
    TEMPLATE_BODY,
    TEMPLATE_IS_ACTIVE,
    TEMPLATE_VERSION,
};

static const ChPgStatement sql_list_active = {
    "select " TEMPLATE_COLUMNS " from notification_templates t where t.is_active",
    { CH_PG_NONE },
};

/* $1 before this id; $2 how many. */
static const ChPgStatement sql_list_templates = {
    "select " TEMPLATE_COLUMNS " from notification_templates t"
    " where t.id < $1 order by t.id desc limit $2",
    { CH_PG_UUID, CH_PG_INT },
};

/* $1 ids; one row each, in their order. */
static const ChPgStatement sql_find_templates = {
    "select " TEMPLATE_COLUMNS " from unnest($1) with ordinality as asked (id, place)"
    " left join notification_templates t on t.id = asked.id order by place",
    { CH_PG_UUIDS },
};

typedef struct {
    NotificationTemplateReads base;
    ChPg *pg;
} PgReads;

static const NotificationTemplateReadsOps pg_reads_ops;

static ChPg *pg_of(NotificationTemplateReads *self)
{
    return CH_CAST(PgReads, self, &pg_reads_ops)->pg;
}

static NotificationTemplate *read_template(const ChPgRows *rows, size_t row)
{
    NotificationTemplate *template = g_new0(NotificationTemplate, 1);
    template->id = ch_pg_uuid(rows, row, TEMPLATE_ID);
    template->code = notification_code_find(ch_pg_text(rows, row, TEMPLATE_CODE));
    template->channel = (NotificationChannelKind)ch_pg_int(rows, row, TEMPLATE_CHANNEL);
    template->language = g_strdup(ch_pg_text(rows, row, TEMPLATE_LANGUAGE));
    template->subject = g_strdup(ch_pg_text(rows, row, TEMPLATE_SUBJECT));
    template->body = g_strdup(ch_pg_text(rows, row, TEMPLATE_BODY));
    template->is_active = ch_pg_bool(rows, row, TEMPLATE_IS_ACTIVE);
    template->version = ch_pg_int(rows, row, TEMPLATE_VERSION);
    return template;
}

static GPtrArray *templates_from(const ChPgRows *rows)
{
    GPtrArray *templates = g_ptr_array_new_with_free_func(notification_template_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(templates, read_template(rows, row));
    return templates;
}

static bool list_active(NotificationTemplateReads *self, GPtrArray **templates, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), ch_pg_params_new(&sql_list_active), error);
    if (rows == NULL)
        return false;
    *templates = templates_from(rows);
    return true;
}

static ChPgParams *range_params(const NotificationTemplateRange *range)
{
    ChUuid newest; /* no id comes after it */
    memset(newest.bytes, 0xff, sizeof newest.bytes);
    ChPgParams *params = ch_pg_params_new(&sql_list_templates);
    ch_pg_add_uuid(params, 0, range->has_before ? range->before : newest);
    ch_pg_add_int(params, 1, range->limit);
    return params;
}

static bool list(NotificationTemplateReads *self, const NotificationTemplateRange *ranges, size_t n,
                 GPtrArray **pages, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = range_params(&ranges[i]);
    ChPgRows **rows = ch_pg_query_all(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        pages[i] = templates_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

static bool find(NotificationTemplateReads *self, const ChUuid *ids, size_t n,
                 NotificationTemplate **templates, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_templates);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, ids[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        templates[i] = ch_pg_is_null(rows, i, TEMPLATE_ID) ? NULL : read_template(rows, i);
    return true;
}

static void free_reads(NotificationTemplateReads *self)
{
    g_free(CH_CAST(PgReads, self, &pg_reads_ops));
}

static const NotificationTemplateReadsOps pg_reads_ops = {
    .list_active = list_active,
    .list = list,
    .find = find,
    .free = free_reads,
};

NotificationTemplateReads *notification_pg_template_reads_new(ChPg *pg)
{
    PgReads *reads = g_new0(PgReads, 1);
    reads->base.ops = &pg_reads_ops;
    reads->pg = pg;
    return &reads->base;
}
