/* Templates are few and seldom written: a statement each, in one round trip. */
#include "notification/infrastructure/pg_templates.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"

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

typedef struct {
    NotificationTemplateStore base;
    ChPg *pg;
} PgTemplates;

static const NotificationTemplateStoreOps pg_templates_ops;

static ChPg *pg_of(NotificationTemplateStore *self)
{
    return CH_CAST(PgTemplates, self, &pg_templates_ops)->pg;
}

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

/* Runs the statements in their order under the lock; as ch_pg_query_all(). */
static ChPgRows **run_locked(ChPg *pg, ChPgParams *const *params, size_t n, GError **error)
{
    if (ch_pg_send(pg, ch_pg_params_new(&sql_lock_templates), NULL, error))
        return ch_pg_query_all(pg, params, n, error);
    for (size_t i = 0; i < n; i++)
        ch_pg_params_free(params[i]);
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
    ch_pg_rows_free_all(rows, n);
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
    ch_pg_rows_free_all(rows, n);
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
    ch_pg_rows_free_all(rows, n);
    return true;
}

static void free_store(NotificationTemplateStore *self)
{
    g_free(CH_CAST(PgTemplates, self, &pg_templates_ops));
}

static const NotificationTemplateStoreOps pg_templates_ops = {
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
