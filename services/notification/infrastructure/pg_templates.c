/* Templates: few and seldom written, so writes go one statement each, in one round trip. */
#include "notification/infrastructure/pg_templates.h"

#include "chassis/postgres/pipeline.h"

#include <string.h>

typedef struct {
    NotificationTemplateStore base; /* first: the cast back is valid */
    ChPg *pg;
} PgTemplates;

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

/* Writers one at a time: then nobody can take the key of a template between the look and the
 * update. Readers don't wait. */
static const ChPgStatement sql_lock_templates = {
    "lock table notification_templates in share row exclusive mode",
    { CH_PG_NONE },
};

/* $1 id, $2 code, $3 channel, $4 language, $5 subject, $6 body, $7 active when not 0. */
static const ChPgStatement sql_insert_template = {
    "insert into notification_templates"
    " (id, template_code, channel, language, subject, body, is_active)"
    " values ($1, $2, $3::smallint, $4, $5, $6, $7 <> 0)"
    " on conflict (template_code, channel, language) do nothing",
    { CH_PG_UUID, CH_PG_TEXT, CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT },
};

/* The same parameters; one row. */
static const ChPgStatement sql_update_template = {
    "with changed as (update notification_templates t set template_code = $2,"
    " channel = $3::smallint, language = $4, subject = $5, body = $6, is_active = $7 <> 0,"
    " version = t.version + 1, updated_at = now()"
    " where t.id = $1 and not exists (select from notification_templates other where"
    " other.template_code = $2 and other.channel = $3 and other.language = $4 and other.id <> $1)"
    " returning t.version)"
    " select (select version from changed),"
    " exists (select from notification_templates where id = $1)",
    { CH_PG_UUID, CH_PG_TEXT, CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT },
};
enum {
    UPDATED_VERSION,
    UPDATED_EXISTS
};

static const ChPgStatement sql_delete_template = {
    "delete from notification_templates where id = $1",
    { CH_PG_UUID },
};

static ChPg *pg_of(NotificationTemplateStore *self)
{
    return ((PgTemplates *)self)->pg;
}

/* ---- reading ---- */

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

static bool query_templates(ChPg *pg, ChPgParams *params, GPtrArray **templates, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *templates = g_ptr_array_new_with_free_func(notification_template_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(*templates, read_template(rows, row));
    return true;
}

static bool list_active(NotificationTemplateStore *self, GPtrArray **templates, GError **error)
{
    return query_templates(pg_of(self), ch_pg_params_new(&sql_list_active), templates, error);
}

static bool list(NotificationTemplateStore *self, const ChUuid *before, int64_t limit,
                 GPtrArray **templates, GError **error)
{
    ChUuid newest; /* no id comes after it */
    memset(newest.bytes, 0xff, sizeof newest.bytes);
    ChPgParams *params = ch_pg_params_new(&sql_list_templates);
    ch_pg_add_uuid(params, 0, before != NULL ? *before : newest);
    ch_pg_add_int(params, 1, limit);
    return query_templates(pg_of(self), params, templates, error);
}

static bool find(NotificationTemplateStore *self, const ChUuid *ids, size_t n,
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

/* ---- writing ---- */

static ChPgParams *template_params(const ChPgStatement *statement,
                                   const NotificationTemplate *template)
{
    ChPgParams *params = ch_pg_params_new(statement);
    ch_pg_add_uuid(params, 0, template->id);
    ch_pg_add_text(params, 1, notification_code_info(template->code)->name);
    ch_pg_add_int(params, 2, template->channel);
    ch_pg_add_text(params, 3, template->language);
    ch_pg_add_text(params, 4, template->subject);
    ch_pg_add_text(params, 5, template->body);
    ch_pg_add_int(params, 6, template->is_active);
    return params;
}

static void free_rows(ChPgRows **rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ch_pg_rows_free(rows[i]);
    g_free(rows);
}

/* Runs the statements in their order under the lock; takes params[0..n). The new array of their
 * results, freed with free_rows(); NULL with @error. */
static ChPgRows **run_locked(ChPg *pg, ChPgParams **params, size_t n, GError **error)
{
    ChPgRows **rows = g_new0(ChPgRows *, n);
    bool ok = ch_pg_send(pg, ch_pg_params_new(&sql_lock_templates), NULL, error);
    for (size_t i = 0; i < n; i++) {
        if (ok)
            ok = ch_pg_send(pg, params[i], &rows[i], error);
        else
            ch_pg_params_free(params[i]);
    }
    if (ok && ch_pg_wait(pg, error))
        return rows;
    free_rows(rows, n);
    return NULL;
}

static bool insert(NotificationTemplateStore *self, const NotificationTemplate *const *templates,
                   size_t n, NotificationTemplateOutcome *outcomes, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = template_params(&sql_insert_template, templates[i]);
    ChPgRows **rows = run_locked(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = ch_pg_rows_affected(rows[i]) == 1 ? NOTIFICATION_TEMPLATE_DONE
                                                        : NOTIFICATION_TEMPLATE_TAKEN;
    free_rows(rows, n);
    return true;
}

static NotificationTemplateOutcome read_update(const ChPgRows *rows, NotificationTemplate *template)
{
    if (!ch_pg_bool(rows, 0, UPDATED_EXISTS))
        return NOTIFICATION_TEMPLATE_UNKNOWN;
    if (ch_pg_is_null(rows, 0, UPDATED_VERSION))
        return NOTIFICATION_TEMPLATE_TAKEN;
    template->version = ch_pg_int(rows, 0, UPDATED_VERSION);
    return NOTIFICATION_TEMPLATE_DONE;
}

static bool update(NotificationTemplateStore *self, NotificationTemplate *const *templates,
                   size_t n, NotificationTemplateOutcome *outcomes, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = template_params(&sql_update_template, templates[i]);
    ChPgRows **rows = run_locked(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = read_update(rows[i], templates[i]);
    free_rows(rows, n);
    return true;
}

static bool remove_templates(NotificationTemplateStore *self, const ChUuid *ids, size_t n,
                             NotificationTemplateOutcome *outcomes, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_delete_template);
        ch_pg_add_uuid(params[i], 0, ids[i]);
    }
    ChPgRows **rows = run_locked(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = ch_pg_rows_affected(rows[i]) == 1 ? NOTIFICATION_TEMPLATE_DONE
                                                        : NOTIFICATION_TEMPLATE_UNKNOWN;
    free_rows(rows, n);
    return true;
}

static void free_store(NotificationTemplateStore *self)
{
    g_free(self);
}

static const NotificationTemplateStoreOps pg_templates_ops = {
    .list_active = list_active,
    .list = list,
    .find = find,
    .insert = insert,
    .update = update,
    .remove = remove_templates,
    .free = free_store,
};

NotificationTemplateStore *notification_pg_templates_new(ChPg *pg)
{
    PgTemplates *store = g_new0(PgTemplates, 1);
    store->base.ops = &pg_templates_ops;
    store->pg = pg;
    return &store->base;
}
