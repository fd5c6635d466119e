/* SQL of the groups. */
#include "chassis/messaging/failure_groups.h"

#include "chassis/messaging/failure_filing.h"

#include <string.h>

/* Builds and samples as the answer has them. What fades by half a minute is at r a minute worth
 * r / ln 2. */
#define FADED CH_FAILURE_FADED("g.pulse_at")
#define COLUMNS                                                                                    \
    "g.id, g.number, g.queue, g.message_type, g.fingerprint, g.state, g.first_seen, g.last_seen,"  \
    " g.letters, g.waiting, array_to_json(g.samples)::text,"                                       \
    " (select coalesce(json_agg(json_build_object('version', b.version, 'buildId', b.build_id)"    \
    "   order by b.number), '[]') from builds b where b.number = any (g.builds))::text,"           \
    " g.closed_by, g.closed_at,"                                                                   \
    " round((g.pulse * " FADED " * ln(2.0::double precision))::numeric, 1)::text"
enum {
    GROUP_ID,
    GROUP_NUMBER,
    GROUP_QUEUE,
    GROUP_TYPE,
    GROUP_FINGERPRINT,
    GROUP_STATE,
    GROUP_FIRST_SEEN,
    GROUP_LAST_SEEN,
    GROUP_LETTERS,
    GROUP_WAITING,
    GROUP_SAMPLES,
    GROUP_BUILDS,
    GROUP_CLOSED_BY,
    GROUP_CLOSED_AT,
    GROUP_RATE,
};

/* $1 above this number, $2 below this number, $3 queue or null, $4 state or null, $5 how many. */
#define LIST(way)                                                                                  \
    {                                                                                              \
        "select " COLUMNS " from failure_groups g where g.number > $1 and g.number < $2"           \
        " and ($3 is null or g.queue = $3) and ($4 is null or g.state = $4)"                       \
        " order by g.number " way " limit $5",                                                     \
        {                                                                                          \
            CH_PG_INT, CH_PG_INT, CH_PG_TEXT, CH_PG_TEXT, CH_PG_INT                                \
        }                                                                                          \
    }
static const ChPgStatement sql_list_groups[] = { LIST("desc"), LIST("asc") };

/* $1 id. A letter that comes meanwhile waits, and opens what was closed. */
static const ChPgStatement sql_lock_group = {
    "select " COLUMNS " from failure_groups g where g.id = $1 for update of g",
    { CH_PG_UUID },
};

/* $1 id, $2 by whom. */
static const ChPgStatement sql_close_group = {
    "update failure_groups g set state = 'closed', closed_by = $2, closed_at = now()"
    " where g.id = $1 returning " COLUMNS,
    { CH_PG_UUID, CH_PG_TEXT },
};

static const char *const state_names[] = {
    [CH_FAILURE_OPEN] = "open",
    [CH_FAILURE_REPLAYING] = "replaying",
    [CH_FAILURE_CLOSED] = "closed",
    [CH_FAILURE_REGRESSED] = "regressed",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == CH_FAILURE_STATES_N);

const char *ch_failure_state_name(ChFailureState state)
{
    return state_names[state];
}

bool ch_failure_state_parse(const char *name, ChFailureState *state)
{
    for (int i = 0; i < CH_FAILURE_STATES_N; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *state = (ChFailureState)i;
            return true;
        }
    }
    return false;
}

void ch_failure_group_free(void *opaque)
{
    ChFailureGroup *group = opaque;
    if (group == NULL)
        return;
    g_free(group->queue);
    g_free(group->message_type);
    g_free(group->fingerprint);
    g_free(group->samples);
    g_free(group->builds);
    g_free(group->closed_by);
    g_free(group->rate);
    g_free(group);
}

struct ChFailureGroups {
    ChPg *pg;
};

ChFailureGroups *ch_failure_groups_new(ChPg *pg)
{
    ChFailureGroups *groups = g_new0(ChFailureGroups, 1);
    groups->pg = pg;
    return groups;
}

void ch_failure_groups_free(ChFailureGroups *groups)
{
    g_free(groups);
}

ChPg *ch_failure_groups_pg(ChFailureGroups *groups)
{
    return groups->pg;
}

static ChFailureGroup *read_group(const ChPgRows *rows, size_t row)
{
    ChFailureGroup *group = g_new0(ChFailureGroup, 1);
    group->id = ch_pg_uuid(rows, row, GROUP_ID);
    group->number = ch_pg_int(rows, row, GROUP_NUMBER);
    group->queue = g_strdup(ch_pg_text(rows, row, GROUP_QUEUE));
    group->message_type = g_strdup(ch_pg_text(rows, row, GROUP_TYPE));
    group->fingerprint = g_strdup(ch_pg_text(rows, row, GROUP_FINGERPRINT));
    bool known = ch_failure_state_parse(ch_pg_text(rows, row, GROUP_STATE), &group->state);
    g_assert(known); /* the table's own check allows no other name */
    group->first_seen_us = ch_pg_time(rows, row, GROUP_FIRST_SEEN);
    group->last_seen_us = ch_pg_time(rows, row, GROUP_LAST_SEEN);
    group->letters = ch_pg_int(rows, row, GROUP_LETTERS);
    group->waiting = ch_pg_int(rows, row, GROUP_WAITING);
    group->samples = g_strdup(ch_pg_text(rows, row, GROUP_SAMPLES));
    group->builds = g_strdup(ch_pg_text(rows, row, GROUP_BUILDS));
    group->closed_by = g_strdup(ch_pg_text(rows, row, GROUP_CLOSED_BY));
    group->closed_us = ch_pg_time(rows, row, GROUP_CLOSED_AT);
    group->rate = g_strdup(ch_pg_text(rows, row, GROUP_RATE));
    return group;
}

static ChPgParams *params_of(const ChFailureFilter *filter)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_groups[filter->oldest_first]);
    ch_pg_add_int(params, 0, filter->after);
    ch_pg_add_int(params, 1, filter->before);
    ch_pg_add_text(params, 2, filter->queue);
    ch_pg_add_text(params, 3, filter->has_state ? state_names[filter->state] : NULL);
    ch_pg_add_int(params, 4, filter->rows);
    return params;
}

bool ch_failure_groups_list(ChFailureGroups *groups, const ChFailureFilter *filters, size_t n,
                            GPtrArray **pages, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = params_of(&filters[i]);
    ChPgRows **rows = ch_pg_query_all(groups->pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        pages[i] = g_ptr_array_new_with_free_func(ch_failure_group_free);
        for (size_t row = 0; row < ch_pg_rows_count(rows[i]); row++)
            g_ptr_array_add(pages[i], read_group(rows[i], row));
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

/* NULL with or without @error: there is none. */
static ChFailureGroup *query_one(ChPg *pg, ChPgParams *params, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    return rows == NULL || ch_pg_rows_count(rows) == 0 ? NULL : read_group(rows, 0);
}

static ChFailureGroup *close_one(ChPg *pg, ChUuid id, const char *by, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_close_group);
    ch_pg_add_uuid(params, 0, id);
    ch_pg_add_text(params, 1, by);
    return query_one(pg, params, error);
}

bool ch_failure_groups_close(ChFailureGroups *groups, ChUuid id, const char *by,
                             ChFailureState *was, ChFailureGroup **group, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_lock_group);
    ch_pg_add_uuid(params, 0, id);
    GError *why = NULL;
    g_autoptr(ChFailureGroup) found = query_one(groups->pg, params, &why);
    if (found != NULL && found->state != CH_FAILURE_CLOSED) {
        *was = found->state;
        *group = close_one(groups->pg, id, by, &why);
    } else if (why == NULL) {
        *was = CH_FAILURE_CLOSED;
        *group = g_steal_pointer(&found);
    }
    if (why == NULL)
        return true;
    g_propagate_error(error, why);
    return false;
}
