/* Opening, checking and reopening a connection. */
#include "chassis/postgres/connection.h"

#include "chassis/core/cast.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/postgres/libpq.h"
#include "chassis/postgres/sqlstate.h"

enum {
    RETRY_FIRST_MS = 50,
    RETRY_MOST_MS = 1000,
    KEEPS_FAILING = 5, /* units of work in a row: a conflict or a lock has passed by then */
    LOOK_AGAIN_MS = 2000,
    REST_S = 60, /* what is open on demand alone may rest so long */
};

/* A dead peer is noticed within 10 to 25 s even when no statement waits for it. */
static const char *const connect_names[] = {
    "gssencmode",
    "dbname",
    "fallback_application_name",
    "connect_timeout",
    "client_encoding",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    NULL,
};

/* Limits in milliseconds: a statement, a wait for a lock, a transaction that nobody continues.
 *
 * Plans: every statement of a lane reaches a bounded batch of rows by key, so loops over an index
 * are right for tables of every size. A plan made by statistics is not: one made while a table was
 * young (no statistics yet) read the whole table for each row of a batch, and timed out. Fixed
 * plans are also made once and not for each execution. An expensive index tuple keeps the planner
 * from reading a whole index where it could look each row up.
 *
 * The names of functions are written out: until it has run, a role's search_path may lead
 * elsewhere. */
static const ChPgStatement sql_set_session = {
    "select " CH_PG_SET_SEARCH_PATH ","
    " pg_catalog.set_config('statement_timeout', '5000', false),"
    " pg_catalog.set_config('lock_timeout', '2000', false),"
    " pg_catalog.set_config('idle_in_transaction_session_timeout', '30000', false),"
    " pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),"
    " pg_catalog.set_config('enable_seqscan', 'off', false),"
    " pg_catalog.set_config('enable_hashjoin', 'off', false),"
    " pg_catalog.set_config('enable_mergejoin', 'off', false),"
    " pg_catalog.set_config('cpu_index_tuple_cost', '1', false),"
    " pg_catalog.set_config('jit', 'off', false)",
    { CH_PG_NONE },
};

static const ChPgStatement sql_set_read_only = {
    "select set_config('default_transaction_read_only', 'on', false)",
    { CH_PG_NONE },
};

/* Of the transaction that it runs in, whoever made it so. */
static const ChPgStatement sql_select_access = {
    "select current_setting('transaction_read_only')::boolean, pg_is_in_recovery()",
    { CH_PG_NONE },
};
enum {
    ACCESS_READ_ONLY,
    ACCESS_STANDBY
};

static const ChPgStatement sql_select_schema_version = {
    "select coalesce(max(version), 0) from schema_migrations",
    { CH_PG_NONE },
};

typedef struct {
    ChPg base;
    ChPgConfig config;
    int64_t retry_at_us; /* no new try to connect before this */
    int retry_ms;        /* the last wait; 0 while all is well */
    GError *last_error;  /* why the last try failed */
    bool checking;       /* what fails now is no work */
    int failures;        /* units of work that no item was to blame for, since one succeeded */
    bool in_doubt;       /* connected, but the server may still refuse the work */
    const ChPgStatement *refused; /* what it refused last; NULL: to begin or to commit */
    int64_t look_at_us;           /* in doubt: when to find out, not earlier */
    int64_t used_at_us;           /* on demand: when work came last */
} Connection;

/* ---- what the pipeline tells ---- */

static const ChPgOps connection_ops;

static Connection *connection_of(ChPg *pg)
{
    return CH_CAST(Connection, pg, &connection_ops);
}

static void report_health(Connection *connection, bool ok, const char *why)
{
    if (connection->config.health != NULL)
        ch_health_set(connection->config.health, ok, why);
}

static void report_lost(ChPg *pg, const char *why)
{
    report_health(connection_of(pg), false, why);
}

/* Whoever goes on failing shows by work alone that it no longer does. */
static void report_not_refused(Connection *connection)
{
    if (connection->failures < KEEPS_FAILING)
        report_health(connection, true, NULL);
    else if (connection->config.health != NULL)
        ch_health_try(connection->config.health);
}

static void look_later(Connection *connection, const char *why)
{
    connection->look_at_us = ch_time_monotonic_us() + INT64_C(1000) * LOOK_AGAIN_MS;
    report_health(connection, false, why);
}

/* Most of it passes: the next session, or the same work a moment later, finds all well. */
static void report_refused(ChPg *pg, const ChPgStatement *statement, const char *why)
{
    Connection *connection = connection_of(pg);
    if (connection->checking)
        return;
    connection->failures++;
    if (connection->failures == 1 && !pg->stale)
        ch_log_warning("the database gave up a transaction, it runs again", CH_STR("error", why));
    if (!pg->stale && connection->failures < KEEPS_FAILING)
        return;
    connection->in_doubt = true;
    connection->refused = statement;
    connection->look_at_us = 0;
    if (connection->failures >= KEEPS_FAILING)
        look_later(connection, why);
}

static void report_commit(ChPg *pg)
{
    const ChPgConfig *config = &connection_of(pg)->config;
    if (config->announce != NULL)
        config->announce(config->announce_context);
}

static const ChPgOps connection_ops = {
    .lost = report_lost,
    .refused = report_refused,
    .announced = report_commit,
};

ChPg *ch_pg_new(const ChPgConfig *config)
{
    g_assert(!config->on_demand || config->health == NULL);
    Connection *connection = g_new0(Connection, 1);
    connection->base.ops = &connection_ops;
    connection->config = *config;
    ch_pg_init(&connection->base);
    return &connection->base;
}

void ch_pg_free(ChPg *pg)
{
    if (pg == NULL)
        return;
    Connection *connection = connection_of(pg);
    ch_pg_clear(pg);
    g_clear_error(&connection->last_error);
    g_free(connection);
}

bool ch_pg_reads_only(ChPg *pg)
{
    return connection_of(pg)->config.read_only;
}

/* ---- connecting ---- */

static bool open_connection(Connection *connection, GError **error)
{
    ChPg *pg = &connection->base;
    const char *const values[] = {
        ch_pg_gss_mode(),
        connection->config.url,
        connection->config.application_name,
        "3",
        "UTF8",
        "10",
        "5",
        "3",
        "10000",
        NULL,
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(values) == G_N_ELEMENTS(connect_names));
    pg->conn = PQconnectdbParams(connect_names, values, 1);
    if (PQstatus(pg->conn) == CONNECTION_OK && PQsetnonblocking(pg->conn, 1) == 0 &&
        PQenterPipelineMode(pg->conn) == 1)
        return true;
    g_autofree char *reason = ch_pg_reason(pg->conn);
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "cannot connect to the database: %s",
                reason);
    return false;
}

/* A session that was opened on a standby, or while the database or the role was read-only, stays
 * so. */
static bool check_access(ChPg *pg, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, ch_pg_params_new(&sql_select_access), error);
    if (rows == NULL)
        return false;
    if (!ch_pg_bool(rows, 0, ACCESS_READ_ONLY))
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "the database is read-only: %s",
                ch_pg_bool(rows, 0, ACCESS_STANDBY) ? "it is a standby"
                                                    : "default_transaction_read_only is on");
    return false;
}

/* A build works on the schema it was made for and on no other. */
static bool check_schema(ChPg *pg, int needed, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, ch_pg_params_new(&sql_select_schema_version), error);
    if (rows == NULL) {
        g_prefix_error(error, "cannot read the schema version (has the migrator run?): ");
        return false;
    }
    int64_t version = ch_pg_int(rows, 0, 0);
    if (version == needed)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                "the database schema has version %" G_GINT64_FORMAT ", this build needs %d: %s",
                version, needed,
                version < needed ? "run the service's migrator" : "deploy the newer build");
    return false;
}

/* The settings take a transaction, also for a connection that opens none afterwards. */
static bool begin_session(Connection *connection, GError **error)
{
    ChPg *pg = &connection->base;
    const ChPgConfig *config = &connection->config;
    ch_pg_begin(pg);
    if (!ch_pg_send(pg, ch_pg_params_new(&sql_set_session), NULL, error))
        return false;
    if (config->read_only ? !ch_pg_send(pg, ch_pg_params_new(&sql_set_read_only), NULL, error)
                          : !check_access(pg, error))
        return false;
    if (config->schema_version > 0 && !check_schema(pg, config->schema_version, error))
        return false;
    if (!ch_pg_commit(pg, error))
        return false;
    pg->read_only = config->read_only;
    return true;
}

/* Remembers a failed try, so that the next comes after a while. Whatever failed while connecting is
 * the server's trouble and not an item's. */
static bool connect_failed(Connection *connection, GError *why, GError **error)
{
    why->code = CH_ERROR_UNAVAILABLE;
    connection->retry_ms = CLAMP(connection->retry_ms * 2, RETRY_FIRST_MS, RETRY_MOST_MS);
    connection->retry_at_us =
        ch_time_monotonic_us() + (int64_t)ch_time_jitter_ms(connection->retry_ms) * 1000;
    ch_pg_drop(&connection->base, why->message);
    g_clear_error(&connection->last_error);
    connection->last_error = g_error_copy(why);
    g_propagate_error(error, why);
    return false;
}

static bool reopen(Connection *connection, GError **error)
{
    ch_pg_close(&connection->base);
    if (connection->last_error != NULL && ch_time_monotonic_us() < connection->retry_at_us) {
        g_propagate_error(error, g_error_copy(connection->last_error));
        return false;
    }
    GError *why = NULL;
    connection->checking = true;
    bool whole = open_connection(connection, &why) && begin_session(connection, &why);
    connection->checking = false;
    if (!whole)
        return connect_failed(connection, why, error);
    connection->retry_ms = 0;
    g_clear_error(&connection->last_error);
    if (!connection->in_doubt)
        report_health(connection, true, NULL);
    return true;
}

/* Whether what was refused would still be. Nobody may wait for work to find out: to a process that
 * is not ready none comes. */
static void look(Connection *connection)
{
    ChPg *pg = &connection->base;
    g_autoptr(GError) why = NULL;
    connection->checking = true;
    ch_pg_begin(pg);
    bool well = connection->refused == NULL || ch_pg_explain(pg, connection->refused, &why);
    ch_pg_rollback(pg);
    connection->checking = false;
    if (!well) {
        look_later(connection, why->message);
        return;
    }
    connection->in_doubt = false;
    report_not_refused(connection);
}

bool ch_pg_connect(ChPg *pg, GError **error)
{
    Connection *connection = connection_of(pg);
    connection->used_at_us = ch_time_monotonic_us();
    bool open = pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK && !pg->stale;
    if (!open && !reopen(connection, error))
        return false;
    if (connection->in_doubt && ch_time_monotonic_us() >= connection->look_at_us)
        look(connection);
    if (pg->conn != NULL)
        return true;
    g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                        "database connection lost while it was checked");
    return false;
}

/* What fails meanwhile is told by the work that finds it. */
static void rest(Connection *connection)
{
    if (ch_time_monotonic_us() - connection->used_at_us >= INT64_C(1000000) * REST_S)
        ch_pg_close(&connection->base);
}

bool ch_pg_idle(ChPg *pg, GError **error)
{
    Connection *connection = connection_of(pg);
    if (connection->config.on_demand) {
        rest(connection);
        return true;
    }
    if (!ch_pg_connect(pg, error))
        return false;
    if (connection->config.health != NULL)
        ch_health_settle(connection->config.health);
    return true;
}

void ch_pg_succeeded(ChPg *pg)
{
    Connection *connection = connection_of(pg);
    if (connection->failures == 0)
        return;
    connection->failures = 0;
    if (!connection->in_doubt)
        report_health(connection, true, NULL);
}
