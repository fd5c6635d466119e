/* The schema, then one statement for the rest, and another session to know a pooler by. */
#include "chassis/runtime/start_database.h"

#include "chassis/core/log.h"
#include "chassis/core/ticker.h"
#include "chassis/core/time.h"
#include "chassis/runtime/start_warning.h"

#include <string.h>

enum {
    FIRST_MS = 1000, /* what makes the process ready goes first */
    POOLER_TRIES = 3,
    AGAIN_US = 2 * 1000 * 1000, /* while the database is away; its lanes tell of that */
    SKEW_US = 1000 * 1000,      /* of clocks, as the doctor has it */
};
/* How long a migrator may take that was deployed with this process. */
#define PATIENCE_US (INT64_C(60) * 1000 * 1000)
#define NEVER_US (INT64_C(365) * 24 * 60 * 60 * 1000 * 1000)

/* $1 a mark of this session. A row for each thing that is wrong: which check, and what. The last
 * row is the clock. Each part looks into catalogues alone. */
#define DURABILITY                                                                                 \
    "select 'server.durability', setting || ' is off' from"                                        \
    " unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) setting"                    \
    " where current_setting(setting) = 'off'"
#define ATTRIBUTES                                                                                 \
    "select 'database.rights', 'its role is ' || what from pg_roles,"                              \
    " unnest(array['a superuser', 'allowed to make roles', 'allowed to make databases',"           \
    "  'allowed to replicate', 'above row security'],"                                             \
    "  array[rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls]) as a(what, has)" \
    " where rolname = current_user and has and (not rolsuper or what = 'a superuser')"
#define MEMBERSHIPS                                                                                \
    "select 'database.rights', 'its role is a member of ' || r.rolname from pg_roles r"            \
    " where r.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',"        \
    "  'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend')"                 \
    " and pg_has_role(current_user, r.oid, 'member')"                                              \
    " and not (select rolsuper from pg_roles where rolname = current_user)"
#define LACKS                                                                                      \
    "select 'database.rights', 'its role may not ' || string_agg(p, ', ') || ' in ' || c.relname"  \
    " from pg_class c, unnest(array['select', 'insert', 'update', 'delete']) p"                    \
    " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"                   \
    " and c.relname <> 'schema_migrations' and not has_table_privilege(c.oid, p)"                  \
    " group by c.relname"
#define ROOM                                                                                       \
    "select 'server.connections', used || ' of ' || most || ' connections of ' || whose"           \
    "  || ' are in use' from ("                                                                    \
    " select 'the server' as whose, current_setting('max_connections')::int"                       \
    "   - current_setting('superuser_reserved_connections')::int as most,"                         \
    "  (select count(*) from pg_stat_activity where usesysid is not null) as used"                 \
    " union all select 'role ' || rolname, rolconnlimit,"                                          \
    "  (select count(*) from pg_stat_activity where usename = current_user) from pg_roles"         \
    "  where rolname = current_user and rolconnlimit >= 0) room where used > 0.8 * most"
#define CLOCK                                                                                      \
    "select 'server.clock', (extract(epoch from clock_timestamp()) * 1000000)::bigint::text"       \
    "  || left(set_config('cartwheel.start', $1, false), 0)"
static const ChPgStatement sql_find_faults = {
    DURABILITY " union all " ATTRIBUTES " union all " MEMBERSHIPS " union all " LACKS
               " union all " ROOM " union all " CLOCK,
    { CH_PG_TEXT },
};
enum {
    FAULT_CHECK,
    FAULT_WHAT,
};

static const ChPgStatement sql_find_versions = {
    "select t is not null, coalesce(has_table_privilege(t, 'select'), false)"
    " from to_regclass('public.schema_migrations') t",
    { CH_PG_NONE },
};
enum {
    VERSIONS_THERE,
    VERSIONS_OPEN,
};

static const ChPgStatement sql_read_version = {
    "select coalesce(max(version), 0) from schema_migrations",
    { CH_PG_NONE },
};

static const ChPgStatement sql_read_mark = {
    "select coalesce(current_setting('cartwheel.start', true), '')",
    { CH_PG_NONE },
};

struct ChStartDatabase {
    ChPgConfig session;
    int needed;           /* version of the schema */
    int64_t behind_at_us; /* when it was first found older; 0: never */
    bool told;            /* that it is another */
    ChTicker *ticker;
    char mark[CH_UUID_TEXT_BYTES];
};

/* ---- what was found ---- */

/* The answer was made at some moment between the two. */
static void compare_clocks(const char *theirs, int64_t before_us, int64_t after_us)
{
    int64_t ahead_us = g_ascii_strtoll(theirs, NULL, 10) - (before_us + after_us) / 2;
    if (ABS(ahead_us) - (after_us - before_us) / 2 < SKEW_US)
        return;
    ch_start_warn(CH_START_CLOCK, "the database server's clock is %.1f s %s that of this machine",
                  (double)ABS(ahead_us) / G_USEC_PER_SEC, ahead_us > 0 ? "ahead of" : "behind");
}

static void tell(const ChPgRows *rows, int64_t before_us, int64_t after_us)
{
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChStartCheck check = CH_START_CHECKS_N;
        const char *what = ch_pg_text(rows, row, FAULT_WHAT);
        bool known = ch_start_check_parse(ch_pg_text(rows, row, FAULT_CHECK), &check);
        g_assert(known); /* by the statement */
        if (check == CH_START_CLOCK)
            compare_clocks(what, before_us, after_us);
        else
            ch_start_warn(check, "%s", what);
    }
}

/* ---- the schema ---- */

static void warn_of_schema(ChStartDatabase *start, int64_t version)
{
    if (start->told)
        return;
    start->told = true;
    if (version == 0)
        ch_start_warn(CH_START_SCHEMA,
                      "nothing was ever migrated here, and this build needs version %d",
                      start->needed);
    else
        ch_start_warn(CH_START_SCHEMA,
                      "the schema has version %" G_GINT64_FORMAT ", this build needs %d", version,
                      start->needed);
}

/* 0: nothing was ever migrated. What may not be read passes for what is needed. */
static bool read_version(const ChStartDatabase *start, ChPg *pg, int64_t *version, GError **error)
{
    *version = 0;
    g_autoptr(ChPgRows) found = ch_pg_query(pg, ch_pg_params_new(&sql_find_versions), error);
    if (found == NULL || !ch_pg_bool(found, 0, VERSIONS_THERE))
        return found != NULL;
    *version = start->needed;
    if (!ch_pg_bool(found, 0, VERSIONS_OPEN)) {
        ch_start_warn(CH_START_RIGHTS, "its role may not select in schema_migrations");
        return true;
    }
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, ch_pg_params_new(&sql_read_version), error);
    if (rows == NULL)
        return false;
    *version = ch_pg_int(rows, 0, 0);
    return true;
}

/* In a rollout the migrator comes when it comes, and the process waits for it. */
static bool is_late(ChStartDatabase *start)
{
    int64_t now_us = ch_time_monotonic_us();
    if (start->behind_at_us == 0)
        start->behind_at_us = now_us;
    return now_us - start->behind_at_us >= PATIENCE_US;
}

/* An older schema is like a database that is away; a newer one does not go back. */
static bool check_schema(ChStartDatabase *start, ChPg *pg, GError **error)
{
    int64_t version;
    if (!read_version(start, pg, &version, error))
        return false;
    if (version < start->needed) {
        if (is_late(start))
            warn_of_schema(start, version);
        g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "the schema is behind");
        return false;
    }
    if (version > start->needed)
        warn_of_schema(start, version);
    return true;
}

/* ---- asking ---- */

static bool find_faults(const ChStartDatabase *start, ChPg *pg, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_faults);
    ch_pg_add_text(params, 0, start->mark);
    int64_t before_us = ch_time_now_us();
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    tell(rows, before_us, ch_time_now_us());
    return true;
}

/* The session is another's, too (chassis/postgres/sqlstate.c). */
static bool tells_of_pooler(const GError *why)
{
    return why != NULL && strstr(why->message, "session mode") != NULL;
}

/* Another session sees what the first has set in its own when a pooler gave both the same; or it
 * finds other sessions' statements there, which fails. */
static bool is_shared_now(ChStartDatabase *start)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(ChPgRows) rows = NULL;
    ChPg *other = ch_pg_new(&start->session);
    if (ch_pg_connect(other, &why))
        rows = ch_pg_query(other, ch_pg_params_new(&sql_read_mark), &why);
    bool shared =
        rows != NULL ? strcmp(ch_pg_text(rows, 0, 0), start->mark) == 0 : tells_of_pooler(why);
    ch_pg_free(other);
    return shared;
}

/* A pooler may just have another one at hand. */
static bool is_shared(ChStartDatabase *start)
{
    for (int i = 0; i < POOLER_TRIES; i++) {
        if (is_shared_now(start))
            return true;
    }
    return false;
}

static bool ask_once(ChStartDatabase *start, GError **error)
{
    ChPg *pg = ch_pg_new(&start->session);
    GError *why = NULL;
    bool ok =
        ch_pg_connect(pg, &why) && check_schema(start, pg, &why) && find_faults(start, pg, &why);
    bool pooled = ok ? is_shared(start) : tells_of_pooler(why);
    if (pooled)
        ch_start_warn(CH_START_POOLER, "what answers at DATABASE_URL is a pooler that gives each"
                                       " transaction another session");
    ch_pg_free(pg);
    if (pooled)
        g_clear_error(&why);
    if (why != NULL)
        g_propagate_error(error, why);
    return ok || pooled;
}

/* What cannot be asked is asked no more: others tell of it, who need it. */
static bool run(void *context, void *const *items G_GNUC_UNUSED, size_t n G_GNUC_UNUSED,
                GError **error G_GNUC_UNUSED)
{
    ChStartDatabase *start = context;
    g_autoptr(GError) why = NULL;
    bool looked = ask_once(start, &why);
    bool away = !looked && ch_error_is_unavailable(why);
    if (looked)
        ch_log_info("the database was looked at");
    else if (!away)
        ch_log_warning("the database could not be looked at", CH_ERR(why));
    int64_t next_us = away ? AGAIN_US : NEVER_US;
    ch_ticker_next(start->ticker, next_us, next_us);
    return true;
}

/* ---- life ---- */

ChStartDatabase *ch_start_database_new(const ChPgConfig *session)
{
    ChStartDatabase *start = g_new0(ChStartDatabase, 1);
    start->session = (ChPgConfig){
        .url = session->url,
        .application_name = session->application_name,
        .read_only = true,
        .on_demand = true,
    };
    start->needed = session->schema_version;
    start->ticker = ch_ticker_new(FIRST_MS);
    ch_uuid_format(ch_uuid_new(), start->mark);
    return start;
}

void ch_start_database_free(ChStartDatabase *start)
{
    if (start == NULL)
        return;
    ch_ticker_free(start->ticker);
    g_free(start);
}

ChLaneConfig ch_start_database_lane(ChStartDatabase *start)
{
    return (ChLaneConfig){
        .name = "start checks",
        .max_batch = 1,
        .source = ch_ticker_source(start->ticker),
        .work = ch_no_work(),
        .handler = run,
        .context = start,
    };
}
