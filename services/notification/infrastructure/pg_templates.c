/* Templates are few and seldom written: a statement each, in one round trip. */
#include "notification/infrastructure/pg_templates.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"

/* Writers one at a time: then nobody can take the key of a template, or switch off the other one of
 * its code, between the look and the change. Readers don't wait. */
static const ChPgStatement sql_lock_templates = {
    "lock table notification_templates in share row exclusive mode",
    { CH_PG_NONE },
};

#define KEEP_VERSION                                                                               \
    "insert into notification_template_versions (template_id, version, template_code, channel,"    \
    " language, subject, body, is_active) select id, version, template_code, channel, language,"   \
    " subject, body, is_active from "
#define TEXT_BYTES "octet_length(subject) + octet_length(body)"
#define TEMPLATE_TYPES                                                                             \
    CH_PG_UUID, CH_PG_TEXT, CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT

/* $1 id, $2 code, $3 channel, $4 language, $5 subject, $6 body, $7 active when not 0, $8 how many
 * templates there may be, $9 how many bytes of text. */
static const ChPgStatement sql_insert_template = {
    "with room as (select count(*) < $8 and coalesce(sum(" TEXT_BYTES "), 0)"
    "  + octet_length($5) + octet_length($6) <= $9 as has_room from notification_templates),"
    " made as (insert into notification_templates"
    "  (id, template_code, channel, language, subject, body, is_active)"
    "  select $1, $2, $3::smallint, $4, $5, $6, $7 <> 0 from room where has_room"
    "  on conflict (template_code, channel, language) do nothing returning *),"
    " kept as (" KEEP_VERSION "made)"
    " select exists (select from made), has_room from room",
    { TEMPLATE_TYPES, CH_PG_INT, CH_PG_INT },
};
enum {
    INSERTED,
    INSERTED_ROOM
};

/* What stands against a change: `spare` is false when it would leave the template's code without an
 * active one. */
#define OTHERS "from notification_templates o where o.id <> t.id"
#define SPARE_OF "exists (select " OTHERS " and o.template_code = t.template_code and o.is_active)"

/* The template's parameters, then $8 expected versions (none: any), $9 forced when not 0, $10 how
 * many bytes of text there may be. One row, its members null when there is no such template; the
 * version is null when it was not changed. */
static const ChPgStatement sql_update_template = {
    "with old as (select t.id, cardinality($8) = 0 or t.version = any($8) as expected,"
    "  exists (select " OTHERS " and o.template_code = $2 and o.channel = $3 and o.language = $4)"
    "   as taken,"
    "  $9 <> 0 or not t.is_active or ($7 <> 0 and t.template_code = $2) or " SPARE_OF " as spare,"
    "  (select coalesce(sum(" TEXT_BYTES "), 0) " OTHERS ") + octet_length($5)"
    "   + octet_length($6) <= $10 as has_room"
    "  from notification_templates t where t.id = $1),"
    " changed as (update notification_templates t set template_code = $2,"
    "  channel = $3::smallint, language = $4, subject = $5, body = $6, is_active = $7 <> 0,"
    "  version = t.version + 1, updated_at = now() from old"
    "  where t.id = old.id and expected and not taken and spare and has_room returning t.*),"
    " kept as (" KEEP_VERSION "changed)"
    " select changed.version, expected, taken, spare, has_room"
    " from (values (1)) as one left join old on true left join changed on true",
    { TEMPLATE_TYPES, CH_PG_INTS, CH_PG_INT, CH_PG_INT },
};

/* $1 id, $2 expected versions, $3 forced when not 0; the same row. */
static const ChPgStatement sql_delete_template = {
    "with old as (select t.id, cardinality($2) = 0 or t.version = any($2) as expected,"
    "  $3 <> 0 or not t.is_active or " SPARE_OF " as spare"
    "  from notification_templates t where t.id = $1),"
    " gone as (delete from notification_templates t using old"
    "  where t.id = old.id and expected and spare returning t.version)"
    " select gone.version, expected, false, spare, true"
    " from (values (1)) as one left join old on true left join gone on true",
    { CH_PG_UUID, CH_PG_INTS, CH_PG_INT },
};
enum {
    CHANGED_VERSION,
    CHANGED_EXPECTED,
    CHANGED_TAKEN,
    CHANGED_SPARE,
    CHANGED_ROOM
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
    for (size_t i = 0; i < n; i++) {
        params[i] = template_params(&sql_insert_template, templates[i]);
        ch_pg_add_int(params[i], 7, NOTIFICATION_MAX_TEMPLATES);
        ch_pg_add_int(params[i], 8, NOTIFICATION_MAX_TEMPLATE_BYTES);
    }
    ChPgRows **rows = run_locked(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (ch_pg_bool(rows[i], 0, INSERTED))
            outcomes[i] = NOTIFICATION_TEMPLATE_DONE;
        else
            outcomes[i] = ch_pg_bool(rows[i], 0, INSERTED_ROOM) ? NOTIFICATION_TEMPLATE_TAKEN
                                                                : NOTIFICATION_TEMPLATE_FULL;
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

static ChPgParams *change_params(const NotificationTemplateChange *change)
{
    bool is_update = change->template != NULL;
    size_t next = is_update ? 7 : 1; /* behind the template, or its id */
    ChPgParams *params = is_update ? template_params(&sql_update_template, change->template)
                                   : ch_pg_params_new(&sql_delete_template);
    if (!is_update)
        ch_pg_add_uuid(params, 0, change->id);
    for (size_t i = 0; i < change->expected.n; i++)
        ch_pg_add_int(params, next, change->expected.versions[i]);
    ch_pg_add_int(params, next + 1, change->force);
    if (is_update)
        ch_pg_add_int(params, next + 2, NOTIFICATION_MAX_TEMPLATE_BYTES);
    return params;
}

static NotificationTemplateOutcome outcome_of(const ChPgRows *rows)
{
    if (!ch_pg_is_null(rows, 0, CHANGED_VERSION))
        return NOTIFICATION_TEMPLATE_DONE;
    if (ch_pg_is_null(rows, 0, CHANGED_EXPECTED))
        return NOTIFICATION_TEMPLATE_UNKNOWN;
    if (!ch_pg_bool(rows, 0, CHANGED_EXPECTED))
        return NOTIFICATION_TEMPLATE_STALE;
    if (ch_pg_bool(rows, 0, CHANGED_TAKEN))
        return NOTIFICATION_TEMPLATE_TAKEN;
    return ch_pg_bool(rows, 0, CHANGED_SPARE) ? NOTIFICATION_TEMPLATE_FULL
                                              : NOTIFICATION_TEMPLATE_LAST;
}

/* The version is the new one of an update, and the last one of a deletion. */
static void take_version(const ChPgRows *rows, NotificationTemplateChange *change)
{
    change->was_version = ch_pg_int(rows, 0, CHANGED_VERSION);
    if (change->template != NULL)
        change->template->version = change->was_version--;
}

static bool change(NotificationTemplateStore *self, NotificationTemplateChange *changes, size_t n,
                   NotificationTemplateOutcome *outcomes, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = change_params(&changes[i]);
    ChPgRows **rows = run_locked(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        outcomes[i] = outcome_of(rows[i]);
        if (outcomes[i] == NOTIFICATION_TEMPLATE_DONE)
            take_version(rows[i], &changes[i]);
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

static void free_store(NotificationTemplateStore *self)
{
    g_free(CH_CAST(PgTemplates, self, &pg_templates_ops));
}

static const NotificationTemplateStoreOps pg_templates_ops = {
    .insert = insert,
    .change = change,
    .free = free_store,
};

NotificationTemplateStore *notification_pg_templates_new(ChPg *pg)
{
    PgTemplates *store = g_new0(PgTemplates, 1);
    store->base.ops = &pg_templates_ops;
    store->pg = pg;
    return &store->base;
}
