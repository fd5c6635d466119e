/* Pipelined statements: queue, flush, match answers to what was asked. */
#include "chassis/postgres/pipeline.h"

#include "chassis/core/time.h"
#include "chassis/postgres/libpq.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_TIMEOUT_MS = 8000, /* above the session's statement_timeout: then the server is gone */
    STATEMENT_NAME_BYTES = 24,
    BINARY = 1,
    SWOLLEN_BYTES = 4 * 1024 * 1024, /* libpq never gives back a buffer that it enlarged */
};

/* ---- the wire ---- */

static bool lost(ChPg *pg, const char *what, GError **error)
{
    g_autofree char *reason = g_strstrip(g_strdup(PQerrorMessage(pg->conn)));
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "database connection lost: %s%s%s", what,
                *reason != '\0' ? ": " : "", reason);
    ch_pg_drop(pg, what);
    return false;
}

static bool poll_socket(ChPg *pg, short events, int64_t deadline_us)
{
    struct pollfd fd = { .fd = PQsocket(pg->conn), .events = events };
    for (;;) {
        int64_t left_us = deadline_us - ch_time_monotonic_us();
        int ready = poll(&fd, 1, left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

/* Waits until PQgetResult() would not block. Reads while it writes, so that neither side can block
 * the other (libpq manual, "Pipeline Mode"). */
static bool await_answer(ChPg *pg, GError **error)
{
    int64_t deadline_us = ch_time_monotonic_us() + INT64_C(1000) * ANSWER_TIMEOUT_MS;
    for (;;) {
        int unsent = PQflush(pg->conn);
        if (unsent < 0)
            return lost(pg, "cannot send", error);
        if (PQisBusy(pg->conn) == 0)
            return true;
        if (!poll_socket(pg, (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)), deadline_us))
            return lost(pg, "no answer in time", error);
        if (PQconsumeInput(pg->conn) == 0)
            return lost(pg, "cannot receive", error);
    }
}

static void expect(ChPg *pg, ChPgExpected kind, const ChPgStatement *statement, ChPgRows **rows)
{
    ChPgAnswer *answer = g_new(ChPgAnswer, 1);
    *answer = (ChPgAnswer){ kind, statement, rows };
    g_queue_push_tail(&pg->answers, answer);
}

/* ---- answers ---- */

/* The first result that belongs to the oldest expected answer; NULL when the connection broke. */
static PGresult *next_result(ChPg *pg, ChPgExpected kind, GError **error)
{
    if (!await_answer(pg, error))
        return NULL;
    PGresult *result = PQgetResult(pg->conn);
    if (result == NULL) {
        lost(pg, "an answer is missing", error);
        return NULL;
    }
    if (kind == CH_PG_EXPECT_SYNC)
        return result;
    /* A command's results end with a NULL; a sync's do not. */
    if (!await_answer(pg, error)) {
        PQclear(result);
        return NULL;
    }
    PQclear(PQgetResult(pg->conn));
    return result;
}

static bool is_success(const ChPgAnswer *answer, const PGresult *result)
{
    switch (answer->kind) {
    case CH_PG_EXPECT_SYNC:
        return PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    case CH_PG_EXPECT_COMMIT:
        /* COMMIT of a failed transaction succeeds with the tag ROLLBACK. */
        return PQresultStatus(result) == PGRES_COMMAND_OK &&
               strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0;
    case CH_PG_EXPECT_COMMAND:
    case CH_PG_EXPECT_PREPARE:
    case CH_PG_EXPECT_QUERY:
        return PQresultStatus(result) == PGRES_COMMAND_OK ||
               PQresultStatus(result) == PGRES_TUPLES_OK;
    }
    return false;
}

static void note_failure(ChPg *pg, const ChPgAnswer *answer, const PGresult *result, GError **error)
{
    if (answer->kind == CH_PG_EXPECT_PREPARE)
        g_hash_table_remove(pg->prepared, answer->statement);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    /* 0A000: a cached plan no longer fits the tables; 26000: the statement is gone. */
    if (sqlstate != NULL && (strncmp(sqlstate, "0A", 2) == 0 || strncmp(sqlstate, "26", 2) == 0))
        pg->stale = true;
    if (sqlstate != NULL) {
        ch_pg_set_error(error, result);
        return;
    }
    g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                        "database: the transaction was given up by an earlier error");
}

/* Takes the oldest expected answer. */
static bool take_answer(ChPg *pg, GError **error)
{
    const ChPgAnswer *oldest = g_queue_peek_head(&pg->answers);
    g_autoptr(PGresult) result = next_result(pg, oldest->kind, error);
    if (result == NULL)
        return false;
    g_autofree ChPgAnswer *answer = g_queue_pop_head(&pg->answers);
    if (PQresultMemorySize(result) > SWOLLEN_BYTES)
        pg->stale = true;
    if (!is_success(answer, result)) {
        note_failure(pg, answer, result, error);
        return false;
    }
    if (answer->kind == CH_PG_EXPECT_QUERY && answer->rows != NULL)
        *answer->rows = ch_pg_rows_take(g_steal_pointer(&result));
    return true;
}

static bool take_answers(ChPg *pg, GError **error)
{
    while (!g_queue_is_empty(&pg->answers)) {
        if (!take_answer(pg, error))
            return false;
    }
    return true;
}

/* ---- questions ---- */

static bool send_command(ChPg *pg, const char *sql, ChPgExpected kind, GError **error)
{
    if (PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, BINARY) == 0)
        return lost(pg, "cannot queue", error);
    expect(pg, kind, NULL, NULL);
    return true;
}

static bool send_sync(ChPg *pg, GError **error)
{
    if (PQpipelineSync(pg->conn) == 0)
        return lost(pg, "cannot queue", error);
    expect(pg, CH_PG_EXPECT_SYNC, NULL, NULL);
    return true;
}

/* A statement's name on the server is its address here. */
static void statement_name(const ChPgStatement *statement, char name[STATEMENT_NAME_BYTES])
{
    snprintf(name, STATEMENT_NAME_BYTES, "s%p", (const void *)statement);
}

static bool send_prepare(ChPg *pg, const ChPgStatement *statement, GError **error)
{
    if (g_hash_table_contains(pg->prepared, statement))
        return true;
    Oid types[CH_PG_MAX_PARAMS];
    int n = ch_pg_statement_params(statement);
    for (int i = 0; i < n; i++)
        types[i] = ch_pg_type_oid(statement->types[i]);
    char name[STATEMENT_NAME_BYTES];
    statement_name(statement, name);
    if (PQsendPrepare(pg->conn, name, statement->sql, n, types) == 0)
        return lost(pg, "cannot queue", error);
    g_hash_table_add(pg->prepared, (void *)statement);
    expect(pg, CH_PG_EXPECT_PREPARE, statement, NULL);
    return true;
}

static bool send_execute(ChPg *pg, ChPgParams *params, ChPgRows **rows, GError **error)
{
    static const int binary[CH_PG_MAX_PARAMS] = {
        BINARY, BINARY, BINARY, BINARY, BINARY, BINARY, BINARY, BINARY,
        BINARY, BINARY, BINARY, BINARY, BINARY, BINARY, BINARY, BINARY,
    };
    const char *values[CH_PG_MAX_PARAMS];
    int lengths[CH_PG_MAX_PARAMS];
    int n = ch_pg_params_wire(params, values, lengths);
    int64_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += lengths[i];
    if (bytes > SWOLLEN_BYTES)
        pg->stale = true;
    char name[STATEMENT_NAME_BYTES];
    statement_name(ch_pg_params_statement(params), name);
    if (PQsendQueryPrepared(pg->conn, name, n, values, lengths, binary, BINARY) == 0)
        return lost(pg, "cannot queue", error);
    expect(pg, CH_PG_EXPECT_QUERY, ch_pg_params_statement(params), rows);
    return true;
}

/* ---- public ---- */

bool ch_pg_open_transaction(ChPg *pg, GError **error)
{
    pg->in_transaction = true;
    return send_command(pg, "begin", CH_PG_EXPECT_COMMAND, error);
}

bool ch_pg_begin(ChPg *pg, GError **error)
{
    if (!ch_pg_connect(pg, error))
        return false;
    return pg->config.read_only || ch_pg_open_transaction(pg, error);
}

bool ch_pg_send(ChPg *pg, ChPgParams *params, ChPgRows **rows, GError **error)
{
    bool ok = send_prepare(pg, ch_pg_params_statement(params), error) &&
              send_execute(pg, params, rows, error);
    ch_pg_params_free(params);
    return ok;
}

bool ch_pg_wait(ChPg *pg, GError **error)
{
    if (!pg->in_transaction) /* read-only: the sync ends the statements' own transaction */
        return send_sync(pg, error) && take_answers(pg, error);
    if (PQsendFlushRequest(pg->conn) == 0)
        return lost(pg, "cannot queue", error);
    return take_answers(pg, error);
}

ChPgRows *ch_pg_query(ChPg *pg, ChPgParams *params, GError **error)
{
    g_autoptr(ChPgRows) rows = NULL;
    if (!ch_pg_send(pg, params, &rows, error) || !ch_pg_wait(pg, error))
        return NULL;
    return g_steal_pointer(&rows);
}

bool ch_pg_commit(ChPg *pg, GError **error)
{
    if (!pg->in_transaction) {
        g_assert(g_queue_is_empty(&pg->answers)); /* else they would reach the next batch */
        return true;
    }
    if (!send_command(pg, "commit", CH_PG_EXPECT_COMMIT, error) || !send_sync(pg, error) ||
        !take_answers(pg, error))
        return false;
    pg->in_transaction = false;
    return true;
}

/* Takes every answer up to the last sync, whatever it says; false when the connection broke. */
static bool discard_answers(ChPg *pg)
{
    while (!g_queue_is_empty(&pg->answers)) {
        ChPgAnswer *oldest = g_queue_peek_head(&pg->answers);
        oldest->rows = NULL; /* its owner has given up */
        take_answer(pg, NULL);
        if (pg->conn == NULL)
            return false;
    }
    return true;
}

/* What is open is known from in_transaction alone: within a pipeline libpq's own status is only
 * right after a sync (libpq manual, "Pipeline Mode"). */
void ch_pg_rollback(ChPg *pg)
{
    if (pg->conn == NULL || (!pg->in_transaction && g_queue_is_empty(&pg->answers)))
        return;
    pg->in_transaction = false;
    if (!send_sync(pg, NULL) || !discard_answers(pg))
        return;
    if (PQtransactionStatus(pg->conn) == PQTRANS_IDLE)
        return;
    if (!send_command(pg, "rollback", CH_PG_EXPECT_COMMAND, NULL) || !send_sync(pg, NULL) ||
        !discard_answers(pg))
        return;
    if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
        ch_pg_drop(pg, "the transaction could not be rolled back");
}

/* ---- the unit of work of a lane ---- */

/* Sees a connection that the server closed meanwhile. */
static void notice_end(ChPg *pg)
{
    if (pg->conn != NULL && (PQconsumeInput(pg->conn) == 0 || PQstatus(pg->conn) == CONNECTION_BAD))
        ch_pg_drop(pg, "the server closed the connection");
}

static bool work_begin(ChWork *work, GError **error)
{
    ChPg *pg = (ChPg *)work;
    notice_end(pg);
    return ch_pg_begin(pg, error);
}

static bool work_commit(ChWork *work, GError **error)
{
    return ch_pg_commit((ChPg *)work, error);
}

static void work_rollback(ChWork *work)
{
    ch_pg_rollback((ChPg *)work);
}

static bool work_idle(ChWork *work, GError **error)
{
    ChPg *pg = (ChPg *)work;
    notice_end(pg);
    return ch_pg_connect(pg, error);
}

static const ChWorkOps pg_work_ops = {
    .begin = work_begin,
    .commit = work_commit,
    .rollback = work_rollback,
    .idle = work_idle,
};

void ch_pg_work_init(ChWork *work)
{
    work->ops = &pg_work_ops;
}

ChWork *ch_pg_work(ChPg *pg)
{
    return &pg->work;
}
