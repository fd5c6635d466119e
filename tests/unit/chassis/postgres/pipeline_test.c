/* The pipeline over a libpq that answers in order what was asked: transactions, announced commits
 * and the end of a connection. The functions of libpq below take the place of the library's when
 * the test is linked; results are the library's own. */
#include "chassis/postgres/pipeline.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/libpq.h"

#include <string.h>

static const ChPgStatement sql_write = { "insert into t select 1", { CH_PG_NONE } };

/* ---- libpq ---- */

typedef enum {
    ASKED_COMMAND,
    ASKED_STATEMENT,
    ASKED_SYNC,
} Asked;

typedef struct {
    Asked kind;
    const char *tag; /* of a command's answer */
} Question;

static struct {
    GQueue asked;        /* Question *, owned; oldest first */
    GString *log;        /* what was sent, a word each */
    bool ends;           /* the result given last is followed by a NULL */
    const char *tag;     /* of the result given last */
    bool statement_bad;  /* the next statement fails */
    bool aborted;        /* until the next sync nothing is run */
    bool in_transaction; /* as the server has it */
    bool gone;           /* nothing can be sent */
} server;

static int ask(Asked kind, const char *word, const char *tag)
{
    Question *question = g_new(Question, 1);
    *question = (Question){ kind, tag };
    g_queue_push_tail(&server.asked, question);
    g_string_append_printf(server.log, "%s%s", server.log->len > 0 ? " " : "", word);
    return 1;
}

int PQsendQueryParams(PGconn *conn G_GNUC_UNUSED, const char *sql, int n G_GNUC_UNUSED,
                      const Oid *types G_GNUC_UNUSED, const char *const *values G_GNUC_UNUSED,
                      const int *lengths G_GNUC_UNUSED, const int *formats G_GNUC_UNUSED,
                      int format G_GNUC_UNUSED)
{
    const char *tag = "ROLLBACK";
    if (strcmp(sql, "begin") == 0)
        tag = "BEGIN";
    else if (strcmp(sql, "commit") == 0)
        tag = "COMMIT";
    return ask(ASKED_COMMAND, sql, tag);
}

int PQsendPrepare(PGconn *conn G_GNUC_UNUSED, const char *name G_GNUC_UNUSED,
                  const char *sql G_GNUC_UNUSED, int n G_GNUC_UNUSED,
                  const Oid *types G_GNUC_UNUSED)
{
    return ask(ASKED_COMMAND, "prepare", "PREPARE");
}

int PQsendQueryPrepared(PGconn *conn G_GNUC_UNUSED, const char *name G_GNUC_UNUSED,
                        int n G_GNUC_UNUSED, const char *const *values G_GNUC_UNUSED,
                        const int *lengths G_GNUC_UNUSED, const int *formats G_GNUC_UNUSED,
                        int format G_GNUC_UNUSED)
{
    return ask(ASKED_STATEMENT, "execute", "INSERT 0 1");
}

int PQpipelineSync(PGconn *conn)
{
    return conn != NULL ? ask(ASKED_SYNC, "sync", "") : 0;
}

int PQsendFlushRequest(PGconn *conn G_GNUC_UNUSED)
{
    return 1;
}

int PQflush(PGconn *conn G_GNUC_UNUSED)
{
    return server.gone ? -1 : 0;
}

int PQisBusy(PGconn *conn G_GNUC_UNUSED)
{
    return 0;
}

static ExecStatusType answer_to(const Question *question)
{
    if (question->kind == ASKED_SYNC) {
        server.aborted = false;
        return PGRES_PIPELINE_SYNC;
    }
    if (server.aborted)
        return PGRES_PIPELINE_ABORTED;
    if (question->kind == ASKED_STATEMENT && server.statement_bad) {
        server.statement_bad = false;
        server.aborted = true;
        return PGRES_FATAL_ERROR;
    }
    if (question->kind == ASKED_COMMAND && strcmp(question->tag, "PREPARE") != 0)
        server.in_transaction = strcmp(question->tag, "BEGIN") == 0;
    return question->kind == ASKED_STATEMENT ? PGRES_TUPLES_OK : PGRES_COMMAND_OK;
}

PGresult *PQgetResult(PGconn *conn G_GNUC_UNUSED)
{
    if (server.ends) {
        server.ends = false;
        return NULL;
    }
    g_autofree Question *question = g_queue_pop_head(&server.asked);
    g_assert_nonnull(question);
    server.ends = question->kind != ASKED_SYNC;
    server.tag = question->tag;
    return PQmakeEmptyPGresult(NULL, answer_to(question));
}

char *PQcmdStatus(PGresult *result G_GNUC_UNUSED)
{
    return (char *)server.tag;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *conn G_GNUC_UNUSED)
{
    return server.in_transaction ? PQTRANS_INERROR : PQTRANS_IDLE;
}

char *PQerrorMessage(const PGconn *conn)
{
    static char gone[] = "server gone\n";
    static char none[] = "no connection\n";
    return conn != NULL ? gone : none;
}

void PQfinish(PGconn *conn)
{
    g_assert_true((void *)conn == (void *)&server);
}

/* ---- the connection above ---- */

typedef struct {
    ChPg base;
    int told; /* of announced commits */
    char *lost;
} Fixture;

static const ChPgOps ops;

static Fixture *fixture_of(ChPg *pg)
{
    return CH_CAST(Fixture, pg, &ops);
}

static void note_lost(ChPg *pg, const char *why)
{
    Fixture *f = fixture_of(pg);
    g_assert_null(pg->conn);
    g_free(f->lost);
    f->lost = g_strdup(why);
}

static void note_announced(ChPg *pg)
{
    Fixture *f = fixture_of(pg);
    g_assert_false(server.in_transaction);
    f->told++;
}

/* The library makes results without a SQLSTATE, so no test brings one here. */
static void note_refused(ChPg *pg G_GNUC_UNUSED, const ChPgStatement *statement G_GNUC_UNUSED,
                         const char *why G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static const ChPgOps ops = {
    .lost = note_lost,
    .refused = note_refused,
    .announced = note_announced,
};

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memset(&server, 0, sizeof server);
    g_queue_init(&server.asked);
    server.log = g_string_new(NULL);
    f->base.ops = &ops;
    ch_pg_init(&f->base);
    f->base.conn = (PGconn *)(void *)&server;
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_pg_clear(&f->base);
    g_queue_clear_full(&server.asked, g_free);
    g_string_free(server.log, TRUE);
    g_free(f->lost);
}

static void must_write(ChPg *pg)
{
    g_autoptr(GError) error = NULL;
    ch_pg_begin(pg);
    bool ok = ch_pg_send(pg, ch_pg_params_new(&sql_write), NULL, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void must_commit(ChPg *pg)
{
    g_autoptr(GError) error = NULL;
    bool ok = ch_pg_commit(pg, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void must_fail_to_commit(ChPg *pg)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(ch_pg_commit(pg, &error));
    g_assert_true(ch_error_is_unavailable(error));
}

/* ---- tests ---- */

static void test_a_statement_is_prepared_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_write(&f->base);
    must_commit(&f->base);
    must_write(&f->base);
    must_commit(&f->base);
    g_assert_cmpstr(server.log->str, ==,
                    "begin prepare execute commit sync begin execute commit sync");
}

static void test_a_read_only_connection_opens_no_transaction(Fixture *f,
                                                             gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    f->base.read_only = true;
    must_write(&f->base);
    g_assert_true(ch_pg_wait(&f->base, &error));
    must_commit(&f->base);
    g_assert_cmpstr(server.log->str, ==, "prepare execute sync");
}

/* A batch whose requests were all refused costs the server nothing. */
static void test_a_unit_without_statements_is_not_heard_of(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    ch_pg_begin(&f->base);
    must_commit(&f->base);
    ch_pg_begin(&f->base);
    ch_pg_rollback(&f->base);
    g_assert_cmpstr(server.log->str, ==, "");
    must_write(&f->base);
    must_commit(&f->base);
    g_assert_cmpstr(server.log->str, ==, "begin prepare execute commit sync");
}

static void test_a_failed_transaction_is_rolled_back(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    server.statement_bad = true;
    must_write(&f->base);
    must_fail_to_commit(&f->base);
    ch_pg_rollback(&f->base);
    g_assert_false(server.in_transaction);
    g_assert_nonnull(f->base.conn);
    must_write(&f->base);
    must_commit(&f->base);
}

static void test_explaining_names_every_parameter(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const ChPgStatement update = { "update t set a = $2 where id = any($1)",
                                          { CH_PG_UUIDS, CH_PG_INT } };
    g_autoptr(GError) error = NULL;
    ch_pg_begin(&f->base);
    g_assert_true(ch_pg_explain(&f->base, &update, &error));
    g_autofree char *expected =
        g_strdup_printf("begin prepare explain execute s%p(null, null)", (const void *)&update);
    g_assert_cmpstr(server.log->str, ==, expected);
}

/* The caller that wanted them has returned. */
static void test_rows_that_nobody_waits_for_are_a_bug(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    if (g_test_subprocess()) {
        ChPgRows *rows = NULL;
        g_autoptr(GError) error = NULL;
        must_write(&f->base);
        g_assert_true(ch_pg_send(&f->base, ch_pg_params_new(&sql_write), &rows, &error));
        must_commit(&f->base);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*assert_nobody_is_forgotten*");
}

static void test_an_announced_commit_is_told_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_write(&f->base);
    ch_pg_announce(&f->base);
    ch_pg_announce(&f->base);
    g_assert_cmpint(f->told, ==, 0);
    must_commit(&f->base);
    g_assert_cmpint(f->told, ==, 1);
    must_write(&f->base);
    must_commit(&f->base);
    g_assert_cmpint(f->told, ==, 1);
}

static void test_a_rollback_forgets_the_announcement(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_write(&f->base);
    ch_pg_announce(&f->base);
    ch_pg_rollback(&f->base);
    must_write(&f->base);
    must_commit(&f->base);
    g_assert_cmpint(f->told, ==, 0);
}

static void test_a_failed_commit_is_not_told(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    server.statement_bad = true;
    must_write(&f->base);
    ch_pg_announce(&f->base);
    must_fail_to_commit(&f->base);
    ch_pg_rollback(&f->base);
    g_assert_cmpint(f->told, ==, 0);
}

static void test_a_lost_connection_is_told_at_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_write(&f->base);
    ch_pg_announce(&f->base);
    server.gone = true;
    must_fail_to_commit(&f->base);
    g_assert_cmpstr(f->lost, ==, "cannot send");
    g_assert_null(f->base.conn);
    ch_pg_rollback(&f->base);
    g_assert_cmpint(f->told, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/pipeline/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("a-statement-is-prepared-once", test_a_statement_is_prepared_once);
    ADD("a-unit-without-statements-is-not-heard-of",
        test_a_unit_without_statements_is_not_heard_of);
    ADD("a-read-only-connection-opens-no-transaction",
        test_a_read_only_connection_opens_no_transaction);
    ADD("a-failed-transaction-is-rolled-back", test_a_failed_transaction_is_rolled_back);
    ADD("explaining-names-every-parameter", test_explaining_names_every_parameter);
    ADD("rows-that-nobody-waits-for-are-a-bug", test_rows_that_nobody_waits_for_are_a_bug);
    ADD("announce/told-once", test_an_announced_commit_is_told_once);
    ADD("announce/forgotten-by-a-rollback", test_a_rollback_forgets_the_announcement);
    ADD("announce/a-failed-commit-is-not-told", test_a_failed_commit_is_not_told);
    ADD("a-lost-connection-is-told-at-once", test_a_lost_connection_is_told_at_once);
    return g_test_run();
}
