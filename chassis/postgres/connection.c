/* Opening, checking and reopening a connection. */
#include "chassis/postgres/connection.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/postgres/libpq.h"
#include "chassis/postgres/pipeline.h"

#include <string.h>

enum {
    RETRY_FIRST_MS = 50,
    RETRY_MOST_MS = 1000,
};

/* A dead peer is noticed within 10 to 25 s even when no statement waits for it. */
static const char *const connect_names[] = {
    "dbname",           "fallback_application_name", "connect_timeout",
    "client_encoding",  "keepalives_idle",           "keepalives_interval",
    "keepalives_count", "tcp_user_timeout",          NULL,
};

/* Limits in milliseconds: a statement, a wait for a lock, a transaction that nobody continues.
 *
 * Plans: every statement of a lane reaches a bounded batch of rows by key, so loops over an index
 * are right for tables of every size. A plan made by statistics is not: one made while a table was
 * young (no statistics yet) read the whole table for each row of a batch, and timed out. Fixed
 * plans are also made once and not for each execution. A dear index tuple keeps the planner from
 * reading a whole index where it could look each row up. */
static const ChPgStatement sql_set_session = {
    "select set_config('statement_timeout', '5000', false),"
    " set_config('lock_timeout', '2000', false),"
    " set_config('idle_in_transaction_session_timeout', '30000', false),"
    " set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('enable_seqscan', 'off', false),"
    " set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false),"
    " set_config('cpu_index_tuple_cost', '1', false),"
    " set_config('jit', 'off', false)",
    { CH_PG_NONE },
};

static const ChPgStatement sql_set_read_only = {
    "select set_config('default_transaction_read_only', 'on', false)",
    { CH_PG_NONE },
};

static const ChPgStatement sql_select_schema_version = {
    "select coalesce(max(version), 0) from schema_migrations",
    { CH_PG_NONE },
};

ChPg *ch_pg_new(const ChPgConfig *config)
{
    ChPg *pg = g_new0(ChPg, 1);
    ch_pg_work_init(&pg->work);
    pg->config = *config;
    pg->prepared = g_hash_table_new(NULL, NULL);
    g_queue_init(&pg->answers);
    return pg;
}

static void forget_connection(ChPg *pg)
{
    g_clear_pointer(&pg->conn, PQfinish);
    g_queue_clear_full(&pg->answers, g_free);
    g_hash_table_remove_all(pg->prepared);
    pg->stale = false;
    pg->in_transaction = false;
}

void ch_pg_free(ChPg *pg)
{
    if (pg == NULL)
        return;
    forget_connection(pg);
    g_hash_table_unref(pg->prepared);
    g_clear_error(&pg->last_error);
    g_free(pg);
}

void ch_pg_drop(ChPg *pg, const char *why)
{
    forget_connection(pg);
    if (pg->config.health != NULL)
        ch_health_set(pg->config.health, false, why);
}

static bool open_connection(ChPg *pg, GError **error)
{
    const char *const values[] = {
        pg->config.url, pg->config.application_name, "3", "UTF8", "10", "5", "3", "10000", NULL,
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(values) == G_N_ELEMENTS(connect_names));
    pg->conn = PQconnectdbParams(connect_names, values, 1);
    if (PQstatus(pg->conn) == CONNECTION_OK && PQsetnonblocking(pg->conn, 1) == 0 &&
        PQenterPipelineMode(pg->conn) == 1)
        return true;
    g_autofree char *reason = g_strstrip(g_strdup(PQerrorMessage(pg->conn)));
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "cannot connect to the database: %s",
                reason);
    return false;
}

/* A build works on the schema it was made for and on no other. */
static bool check_schema(ChPg *pg, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, ch_pg_params_new(&sql_select_schema_version), error);
    if (rows == NULL) {
        g_prefix_error(error, "cannot read the schema version (has the migrator run?): ");
        return false;
    }
    int64_t version = ch_pg_int(rows, 0, 0);
    if (version == pg->config.schema_version)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                "the database schema has version %" G_GINT64_FORMAT ", this build needs %d: %s",
                version, pg->config.schema_version,
                version < pg->config.schema_version ? "run the service's migrator"
                                                    : "deploy the newer build");
    return false;
}

static bool begin_session(ChPg *pg, GError **error)
{
    if (!ch_pg_open_transaction(pg, error) ||
        !ch_pg_send(pg, ch_pg_params_new(&sql_set_session), NULL, error))
        return false;
    if (pg->config.read_only && !ch_pg_send(pg, ch_pg_params_new(&sql_set_read_only), NULL, error))
        return false;
    if (pg->config.schema_version > 0 && !check_schema(pg, error))
        return false;
    return ch_pg_commit(pg, error);
}

/* Remembers a failed try, so that the next comes after a while. Whatever failed while connecting is
 * the server's trouble and not an item's. */
static bool connect_failed(ChPg *pg, GError *why, GError **error)
{
    why->code = CH_ERROR_UNAVAILABLE;
    pg->retry_ms = CLAMP(pg->retry_ms * 2, RETRY_FIRST_MS, RETRY_MOST_MS);
    pg->retry_at_us = ch_time_monotonic_us() + (int64_t)ch_time_jitter_ms(pg->retry_ms) * 1000;
    ch_pg_drop(pg, why->message);
    g_clear_error(&pg->last_error);
    pg->last_error = g_error_copy(why);
    g_propagate_error(error, why);
    return false;
}

bool ch_pg_connect(ChPg *pg, GError **error)
{
    if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK && !pg->stale)
        return true;
    forget_connection(pg);
    if (pg->last_error != NULL && ch_time_monotonic_us() < pg->retry_at_us) {
        g_propagate_error(error, g_error_copy(pg->last_error));
        return false;
    }
    GError *why = NULL;
    if (!open_connection(pg, &why) || !begin_session(pg, &why))
        return connect_failed(pg, why, error);
    pg->retry_ms = 0;
    g_clear_error(&pg->last_error);
    if (pg->config.health != NULL)
        ch_health_set(pg->config.health, true, NULL);
    return true;
}
