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
    TEMPLATE_CHANGED_AT, /* of sql_list_versions */
};

enum {
    PIECE_ROWS = 50, /* of 40 KB at most */
};

/* Says which templates are active, and of which versions. (md5() is switched off where FIPS rules.)
 */
static const ChPgStatement sql_select_state = {
    "select count(*) || ' ' || coalesce(sum(hashtextextended(id::text || version, 0)), 0)"
    " from notification_templates where is_active",
    { CH_PG_NONE },
};

/* $1 after this id, $2 how many. */
static const ChPgStatement sql_list_active = {
    "select " TEMPLATE_COLUMNS " from notification_templates t where t.is_active and t.id > $1"
    " order by t.id limit $2",
    { CH_PG_UUID, CH_PG_INT },
};

/* Newest first, and oldest first. $1 template, $2 before this version, $3 how many, $4 after this
 * version, $5 changed at this time or later, $6 earlier than it. */
#define LIST_VERSIONS(way)                                                                         \
    {                                                                                              \
        "select t.template_id, t.template_code, t.channel, t.language, t.subject, t.body,"         \
        " t.is_active, t.version, t.changed_at from notification_template_versions t"              \
        " where t.template_id = $1 and t.version < least($2, 2147483647) and t.version > $4"       \
        " and t.changed_at >= $5 and t.changed_at < $6 order by t.version " way " limit $3",       \
        {                                                                                          \
            CH_PG_UUID, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_TIME, CH_PG_TIME                    \
        }                                                                                          \
    }
static const ChPgStatement sql_list_versions[] = { LIST_VERSIONS("desc"), LIST_VERSIONS("asc") };

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
    GPtrArray *active; /* as they were at `state`; NULL: not read yet */
    char *state;
} PgReads;

static const NotificationTemplateReadsOps pg_reads_ops;

static PgReads *reads_of(NotificationTemplateReads *self)
{
    return CH_CAST(PgReads, self, &pg_reads_ops);
}

static ChPg *pg_of(NotificationTemplateReads *self)
{
    return reads_of(self)->pg;
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

/* One piece of the active ones, behind those that *templates holds. */
static bool load_piece(ChPg *pg, GPtrArray *templates, bool *more, GError **error)
{
    ChUuid after = { { 0 } };
    if (templates->len > 0)
        after = ((NotificationTemplate *)g_ptr_array_index(templates, templates->len - 1))->id;
    ChPgParams *params = ch_pg_params_new(&sql_list_active);
    ch_pg_add_uuid(params, 0, after);
    ch_pg_add_int(params, 1, PIECE_ROWS);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(templates, read_template(rows, row));
    *more = ch_pg_rows_count(rows) == PIECE_ROWS;
    return true;
}

/* What was read before goes first, so that there are never two of all. What changes while they are
 * read changes the state too. */
static bool load(PgReads *reads, const char *state, GError **error)
{
    bool more = true;
    g_clear_pointer(&reads->active, g_ptr_array_unref);
    g_autoptr(GPtrArray) templates = g_ptr_array_new_with_free_func(notification_template_free);
    while (more) {
        if (!load_piece(reads->pg, templates, &more, error))
            return false;
    }
    g_free(reads->state);
    reads->state = g_strdup(state);
    reads->active = g_steal_pointer(&templates);
    return true;
}

static bool list_active(NotificationTemplateReads *self, GPtrArray **templates, GError **error)
{
    PgReads *reads = reads_of(self);
    g_autoptr(ChPgRows) rows = ch_pg_query(reads->pg, ch_pg_params_new(&sql_select_state), error);
    if (rows == NULL)
        return false;
    const char *state = ch_pg_text(rows, 0, 0);
    if ((reads->active == NULL || strcmp(state, reads->state) != 0) && !load(reads, state, error))
        return false;
    *templates = g_ptr_array_ref(reads->active);
    return true;
}

static ChPgParams *page_params(const ChPage *page)
{
    ChUuid after;
    ChUuid before;
    ch_page_bounds(page, &after, &before);
    ChPgParams *params = ch_pg_params_new(&sql_list_templates);
    ch_pg_add_uuid(params, 0, before);
    ch_pg_add_int(params, 1, page->rows);
    return params;
}

static bool list(NotificationTemplateReads *self, const ChPage *pages, size_t n, GPtrArray **found,
                 GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = page_params(&pages[i]);
    ChPgRows **rows = ch_pg_query_all(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = templates_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

static ChPgParams *version_params(const NotificationVersionRange *range)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_versions[range->oldest_first]);
    ch_pg_add_uuid(params, 0, range->template_id);
    ch_pg_add_int(params, 1, range->before);
    ch_pg_add_int(params, 2, range->limit);
    ch_pg_add_int(params, 3, range->after);
    ch_pg_add_time(params, 4, range->changed.from_us);
    ch_pg_add_time(params, 5, range->changed.before_us);
    return params;
}

static GPtrArray *versions_from(const ChPgRows *rows)
{
    GPtrArray *versions = templates_from(rows);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        NotificationTemplate *version = g_ptr_array_index(versions, row);
        version->changed_us = ch_pg_time(rows, row, TEMPLATE_CHANGED_AT);
    }
    return versions;
}

static bool versions(NotificationTemplateReads *self, const NotificationVersionRange *ranges,
                     size_t n, GPtrArray **pages, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = version_params(&ranges[i]);
    ChPgRows **rows = ch_pg_query_all(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        pages[i] = versions_from(rows[i]);
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
    PgReads *reads = reads_of(self);
    g_clear_pointer(&reads->active, g_ptr_array_unref);
    g_free(reads->state);
    g_free(reads);
}

static const NotificationTemplateReadsOps pg_reads_ops = {
    .list_active = list_active,
    .list = list,
    .versions = versions,
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
