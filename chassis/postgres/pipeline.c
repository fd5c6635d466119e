/* Pipelined statements: queue, flush, match answers to what was asked. */
#include "chassis/postgres/pipeline.h"

#include "chassis/core/time.h"
#include "chassis/postgres/libpq.h"
#include "chassis/postgres/sqlstate.h"

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

typedef enum {
    EXPECT_COMMAND, /* begin, rollback */
    EXPECT_COMMIT,
    EXPECT_PREPARE,
    EXPECT_QUERY,
    EXPECT_SYNC,
} Expected;

/* What is still to be answered. */
typedef struct {
    Expected kind;
    const ChPgStatement *statement; /* of a prepare or query */
    ChPgRows **rows;                /* of a query; NULL: nobody wants them */
} Answer;

/* ---- the end of a connection ---- */

void ch_pg_close(ChPg *pg)
{
    g_clear_pointer(&pg->conn, PQfinish);
    g_queue_clear_full(&pg->answers, g_free);
    g_hash_table_remove_all(pg->prepared);
    pg->read_only = false;
    pg->in_transaction = false;
    pg->announced = false;
    pg->stale = false;
}

void ch_pg_drop(ChPg *pg, const char *why)
{
    ch_pg_close(pg);
    pg->ops->lost(pg, why);
}

/* ---- the wire ---- */

static bool lost(ChPg *pg, const char *what, GError **error)
{
    g_autofree char *reason = ch_pg_reason(pg->conn);
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

static void expect(ChPg *pg, Expected kind, const ChPgStatement *statement, ChPgRows **rows)
{
    Answer *answer = g_new(Answer, 1);
    *answer = (Answer){ kind, statement, rows };
    g_queue_push_tail(&pg->answers, answer);
}

/* ---- answers ---- */

/* The first result that belongs to the oldest expected answer; NULL when the connection broke. */
static PGresult *next_result(ChPg *pg, Expected kind, GError **error)
{
    if (!await_answer(pg, error))
        return NULL;
    PGresult *result = PQgetResult(pg->conn);
    if (result == NULL) {
        lost(pg, "an answer is missing", error);
        return NULL;
    }
    if (kind == EXPECT_SYNC)
        return result;
    /* A command's results end with a NULL; a sync's do not. */
    if (!await_answer(pg, error)) {
        PQclear(result);
        return NULL;
    }
    PQclear(PQgetResult(pg->conn));
    return result;
}

static bool is_success(const Answer *answer, const PGresult *result)
{
    switch (answer->kind) {
    case EXPECT_SYNC:
        return PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    case EXPECT_COMMIT:
        /* COMMIT of a failed transaction succeeds with the tag ROLLBACK. */
        return PQresultStatus(result) == PGRES_COMMAND_OK &&
               strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0;
    case EXPECT_COMMAND:
    case EXPECT_PREPARE:
    case EXPECT_QUERY:
        return PQresultStatus(result) == PGRES_COMMAND_OK ||
               PQresultStatus(result) == PGRES_TUPLES_OK;
    }
    return false;
}

static void note_failure(ChPg *pg, const Answer *answer, const PGresult *result, GError **error)
{
    if (answer->kind == EXPECT_PREPARE)
        g_hash_table_remove(pg->prepared, answer->statement);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL) {
        g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                            "database: the transaction was given up by an earlier error");
        return;
    }
    GError *why = NULL;
    pg->timed_out = strcmp(sqlstate, "57014") == 0; /* query_canceled */
    ch_pg_set_error(&why, result);
    ChPgBlame blame = ch_pg_blame(sqlstate);
    pg->stale = pg->stale || blame == CH_PG_BLAME_SESSION;
    if (blame != CH_PG_BLAME_ITEM)
        pg->ops->refused(pg, answer->statement, why->message);
    g_propagate_error(error, why);
}

/* Takes the oldest expected answer. */
static bool take_answer(ChPg *pg, GError **error)
{
    const Answer *oldest = g_queue_peek_head(&pg->answers);
    g_autoptr(PGresult) result = next_result(pg, oldest->kind, error);
    if (result == NULL)
        return false;
    g_autofree Answer *answer = g_queue_pop_head(&pg->answers);
    if (PQresultMemorySize(result) > SWOLLEN_BYTES)
        pg->stale = true;
    if (!is_success(answer, result)) {
        note_failure(pg, answer, result, error);
        return false;
    }
    if (answer->kind == EXPECT_QUERY && answer->rows != NULL)
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

static bool send_command(ChPg *pg, const char *sql, Expected kind, GError **error)
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
    expect(pg, EXPECT_SYNC, NULL, NULL);
    return true;
}

static bool send_begin(ChPg *pg, GError **error)
{
    if (!pg->begin_due)
        return true;
    pg->begin_due = false;
    pg->in_transaction = true;
    return send_command(pg, "begin", EXPECT_COMMAND, error);
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
    expect(pg, EXPECT_PREPARE, statement, NULL);
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
    expect(pg, EXPECT_QUERY, ch_pg_params_statement(params), rows);
    return true;
}

/* ---- public ---- */

void ch_pg_init(ChPg *pg)
{
    pg->prepared = g_hash_table_new(NULL, NULL);
    g_queue_init(&pg->answers);
}

void ch_pg_clear(ChPg *pg)
{
    ch_pg_close(pg);
    g_hash_table_unref(pg->prepared);
}

void ch_pg_begin(ChPg *pg)
{
    pg->begin_due = !pg->read_only;
}

bool ch_pg_send(ChPg *pg, ChPgParams *params, ChPgRows **rows, GError **error)
{
    bool ok = send_begin(pg, error) && send_prepare(pg, ch_pg_params_statement(params), error) &&
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

ChPgRows **ch_pg_query_all(ChPg *pg, ChPgParams *const *params, size_t n, GError **error)
{
    ChPgRows **rows = g_new0(ChPgRows *, n);
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        if (ok)
            ok = ch_pg_send(pg, params[i], &rows[i], error);
        else
            ch_pg_params_free(params[i]);
    }
    if (ok && ch_pg_wait(pg, error))
        return rows;
    ch_pg_rows_free_all(rows, n);
    return NULL;
}

/* Their owner has returned: they would be written into a frame that is gone. */
static void assert_nobody_is_forgotten(ChPg *pg)
{
    for (const GList *link = pg->answers.head; link != NULL; link = link->next)
        g_assert(((const Answer *)link->data)->rows == NULL);
}

bool ch_pg_commit(ChPg *pg, GError **error)
{
    assert_nobody_is_forgotten(pg);
    pg->begin_due = false;
    if (!pg->in_transaction) {
        g_assert(g_queue_is_empty(&pg->answers)); /* else they would reach the next batch */
        return true;
    }
    if (!send_command(pg, "commit", EXPECT_COMMIT, error) || !send_sync(pg, error) ||
        !take_answers(pg, error))
        return false;
    pg->in_transaction = false;
    if (pg->announced) {
        pg->announced = false;
        pg->ops->announced(pg);
    }
    return true;
}

bool ch_pg_timed_out(const ChPg *pg)
{
    return pg->timed_out;
}

void ch_pg_announce(ChPg *pg)
{
    pg->announced = true;
}

/* EXPLAIN checks names and rights as a run does, and cannot be prepared: its text is made of names
 * of ours alone. */
bool ch_pg_explain(ChPg *pg, const ChPgStatement *statement, GError **error)
{
    char name[STATEMENT_NAME_BYTES];
    statement_name(statement, name);
    g_autoptr(GString) sql = g_string_new("explain execute ");
    g_string_append(sql, name);
    for (int i = 0, n = ch_pg_statement_params(statement); i < n; i++)
        g_string_append_printf(sql, "%snull%s", i == 0 ? "(" : ", ", i == n - 1 ? ")" : "");
    return send_begin(pg, error) && send_prepare(pg, statement, error) &&
           send_command(pg, sql->str, EXPECT_COMMAND, error) && ch_pg_wait(pg, error);
}

/* Takes every answer up to the last sync, whatever it says; false when the connection broke. */
static bool discard_answers(ChPg *pg)
{
    while (!g_queue_is_empty(&pg->answers)) {
        Answer *oldest = g_queue_peek_head(&pg->answers);
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
    pg->announced = false;
    pg->begin_due = false;
    if (pg->conn == NULL || (!pg->in_transaction && g_queue_is_empty(&pg->answers)))
        return;
    pg->in_transaction = false;
    if (!send_sync(pg, NULL) || !discard_answers(pg))
        return;
    if (PQtransactionStatus(pg->conn) == PQTRANS_IDLE)
        return;
    if (!send_command(pg, "rollback", EXPECT_COMMAND, NULL) || !send_sync(pg, NULL) ||
        !discard_answers(pg))
        return;
    if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
        ch_pg_drop(pg, "the transaction could not be rolled back");
}
