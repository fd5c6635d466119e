/* Applies migrations under an advisory lock. */
#include "chassis/postgres/migrations.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/postgres/libpq.h"
#include "chassis/postgres/sqlstate.h"

#include <string.h>
#include <time.h>

enum {
    CONNECT_PAUSE_MS = 200
};

/* Without the interval a server notices only at the end of a statement that nobody waits for it: a
 * lock that a migrator waited for, or its half of a migration, would stay. */
static const char sql_set_session[] =
    "select " CH_PG_SET_SEARCH_PATH ","
    " pg_catalog.set_config('client_min_messages', 'warning', false),"
    " pg_catalog.set_config('client_connection_check_interval', '1000', false)";

/* Any constant does, if all migrators of a database use the same. */
static const char sql_lock[] = "select pg_advisory_lock(7250171)";

static const char sql_create_table[] = "create table if not exists schema_migrations ("
                                       " version integer primary key,"
                                       " name text not null,"
                                       " checksum text not null,"
                                       " applied_at timestamptz not null default now())";

static const char sql_select_applied[] =
    "select version::text, checksum from schema_migrations m order by m.version";
enum {
    APPLIED_VERSION,
    APPLIED_CHECKSUM
};

static const char sql_insert_applied[] =
    "insert into schema_migrations (version, name, checksum) values ($1::integer, $2, $3)";

static PGconn *connect_once(const char *url, GError **error)
{
    const char *const names[] = { "gssencmode", "dbname", "fallback_application_name",
                                  "connect_timeout", NULL };
    const char *const values[] = { ch_pg_gss_mode(), url, "migrator", "3", NULL };
    g_autoptr(PGconn) conn = PQconnectdbParams(names, values, 1);
    if (PQstatus(conn) == CONNECTION_OK)
        return g_steal_pointer(&conn);
    g_autofree char *reason = ch_pg_reason(conn);
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "cannot connect to the database: %s",
                reason);
    return NULL;
}

static PGconn *connect_until(const char *url, int64_t deadline_us, GError **error)
{
    for (bool first = true;; first = false) {
        g_autoptr(GError) why = NULL;
        PGconn *conn = connect_once(url, &why);
        if (conn != NULL)
            return conn;
        if (ch_time_monotonic_us() >= deadline_us) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
        if (first)
            ch_log_info("waiting for the database", CH_ERR(why));
        g_usleep(CONNECT_PAUSE_MS * 1000);
    }
}

/* Runs @sql with text parameters; NULL with @error when it fails. */
static PGresult *run(PGconn *conn, const char *sql, const char *const *values, int n,
                     GError **error)
{
    g_autoptr(PGresult) result = PQexecParams(conn, sql, n, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return g_steal_pointer(&result);
    ch_pg_set_error(error, result);
    return NULL;
}

static bool run_plain(PGconn *conn, const char *sql, GError **error)
{
    g_autoptr(PGresult) result = run(conn, sql, NULL, 0, error);
    return result != NULL;
}

/* Runs a whole file: many statements, so the simple protocol. */
static bool run_file(PGconn *conn, const ChMigration *migration, GError **error)
{
    g_autoptr(PGresult) result = PQexec(conn, migration->sql);
    if (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK)
        return true;
    ch_pg_set_error(error, result);
    return false;
}

static bool apply(PGconn *conn, const ChMigration *migration, GError **error)
{
    char version[16];
    g_snprintf(version, sizeof version, "%d", migration->version);
    const char *const values[] = { version, migration->name, migration->checksum };
    if (!run_plain(conn, "begin", error) || !run_file(conn, migration, error)) {
        g_prefix_error(error, "migration %s: ", migration->name);
        return false;
    }
    g_autoptr(PGresult) inserted = run(conn, sql_insert_applied, values, 3, error);
    CH_FAULT_ON("before_commit", "migrations");
    if (inserted == NULL || !run_plain(conn, "commit", error)) {
        g_prefix_error(error, "migration %s: ", migration->name);
        return false;
    }
    CH_FAULT_ON("after_commit", "migrations");
    ch_log_info("migration applied", CH_INT("version", migration->version),
                CH_STR("name", migration->name));
    return true;
}

/* What is applied must be what this build holds, as far as both go. */
static bool check_applied(const PGresult *applied, const ChMigration *migrations, size_t n,
                          GError **error)
{
    for (int row = 0; row < PQntuples(applied); row++) {
        const char *version = PQgetvalue(applied, row, APPLIED_VERSION);
        if ((size_t)row >= n) {
            g_set_error(error, CH_ERROR, CH_ERROR_FAILED,
                        "the database has migration %s, which this build does not know: "
                        "deploy the newer build",
                        version);
            return false;
        }
        if (g_ascii_strtoll(version, NULL, 10) != migrations[row].version) {
            g_set_error(error, CH_ERROR, CH_ERROR_FAILED,
                        "the database has migration %s where this build has %d: "
                        "schema_migrations was changed by hand",
                        version, migrations[row].version);
            return false;
        }
        if (strcmp(PQgetvalue(applied, row, APPLIED_CHECKSUM), migrations[row].checksum) != 0) {
            g_set_error(error, CH_ERROR, CH_ERROR_FAILED,
                        "migration %s was edited after it was applied: restore the file and "
                        "write a new migration",
                        migrations[row].name);
            return false;
        }
    }
    return true;
}

bool ch_migrate(const char *url, const ChMigration *migrations, size_t n, int wait_ms,
                GError **error)
{
    int64_t deadline_us = ch_time_monotonic_us() + INT64_C(1000) * wait_ms;
    g_autoptr(PGconn) conn = connect_until(url, deadline_us, error);
    if (conn == NULL || !run_plain(conn, sql_set_session, error) ||
        !run_plain(conn, sql_lock, error) || !run_plain(conn, sql_create_table, error))
        return false;
    g_autoptr(PGresult) applied = run(conn, sql_select_applied, NULL, 0, error);
    if (applied == NULL || !check_applied(applied, migrations, n, error))
        return false;
    size_t done = (size_t)PQntuples(applied);
    for (size_t i = done; i < n; i++) {
        if (!apply(conn, &migrations[i], error))
            return false;
    }
    ch_log_info("database is up to date", CH_INT("version", n), CH_INT("applied", n - done));
    return true;
}
