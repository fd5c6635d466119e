/* One statement a look. */
#include "chassis/messaging/controls.h"

#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

/* A handful of rows: one for each queue, channel and relay of the service. */
static const ChPgStatement sql_list_controls = {
    "select name, paused_at is not null and (paused_until is null or paused_until > now()),"
    " coalesce((extract(epoch from now() - paused_at) * 1000)::bigint, 0), paused_by, paused_why"
    " from controls",
    { CH_PG_NONE },
};
enum {
    CONTROL_NAME,
    CONTROL_PAUSED,
    CONTROL_PAUSED_MS,
    CONTROL_BY,
    CONTROL_WHY,
};

/* $1 names, $2 kinds. Another copy may do the same. */
static const ChPgStatement sql_add_controls = {
    "insert into controls (name, kind) select * from unnest($1, $2) on conflict do nothing",
    { CH_PG_TEXTS, CH_PG_TEXTS },
};

CH_GAUGE(paused_seconds, "cartwheel_control_paused_seconds",
         "for how long an operator has paused this; 0: it runs", "control");

struct ChControls {
    ChHealth *health;
    GPtrArray *all; /* ChControl *, owned */
};

ChControls *ch_controls_new(ChHealth *health)
{
    ChControls *controls = g_new0(ChControls, 1);
    controls->health = health;
    controls->all = g_ptr_array_new_with_free_func(g_free);
    return controls;
}

void ch_controls_free(ChControls *controls)
{
    if (controls == NULL)
        return;
    g_ptr_array_unref(controls->all);
    g_free(controls);
}

ChControl *ch_controls_add(ChControls *controls, const char *name, ChControlKind kind)
{
    ChControl *control = g_new(ChControl, 1);
    ch_control_init(control, name, kind);
    g_ptr_array_add(controls->all, control);
    return control;
}

static void set(ChControl *control, bool paused, const ChPgRows *rows, size_t row)
{
    double seconds = paused ? (double)ch_pg_int(rows, row, CONTROL_PAUSED_MS) / 1000.0 : 0;
    ch_metric_set(ch_metric(&paused_seconds, control->name), seconds);
    if (!ch_control_set(control, paused))
        return;
    if (paused)
        ch_log_warning("paused by an operator", CH_STR("control", control->name),
                       CH_STR("by", ch_pg_text(rows, row, CONTROL_BY)),
                       CH_STR("why", ch_pg_text(rows, row, CONTROL_WHY)));
    else
        ch_log_info("goes on after a pause", CH_STR("control", control->name));
}

/* The row of @control; the number of rows when there is none. */
static size_t row_of(const ChPgRows *rows, const ChControl *control)
{
    size_t row = 0;
    while (row < ch_pg_rows_count(rows) &&
           strcmp(ch_pg_text(rows, row, CONTROL_NAME), control->name) != 0)
        row++;
    return row;
}

static bool add_missing(ChPg *pg, const GPtrArray *missing, GError **error)
{
    if (missing->len == 0)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_add_controls);
    for (guint i = 0; i < missing->len; i++) {
        const ChControl *control = g_ptr_array_index(missing, i);
        ch_pg_add_text(params, 0, control->name);
        ch_pg_add_text(params, 1, ch_control_kind_name(control->kind));
    }
    return ch_pg_send(pg, params, NULL, error);
}

bool ch_controls_look(ChControls *controls, ChPg *pg, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, ch_pg_params_new(&sql_list_controls), error);
    if (rows == NULL)
        return false;
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    g_autoptr(GPtrArray) paused = g_ptr_array_new();
    for (guint i = 0; i < controls->all->len; i++) {
        ChControl *control = g_ptr_array_index(controls->all, i);
        size_t row = row_of(rows, control);
        bool known = row < ch_pg_rows_count(rows);
        set(control, known && ch_pg_bool(rows, row, CONTROL_PAUSED), rows, row);
        if (!known)
            g_ptr_array_add(missing, control);
        if (ch_control_paused(control))
            g_ptr_array_add(paused, (gpointer)control->name);
    }
    ch_health_set_paused(controls->health, (const char *const *)paused->pdata, paused->len);
    return add_missing(pg, missing, error);
}
