/* Statements on an open connection, in libpq's pipeline mode: they are queued and travel together;
 * a transaction that asks nothing in between costs one round trip.
 *
 *     begin, send, send, commit             one round trip
 *     begin, query, send, commit            two: the query waits for its rows
 *
 * On a read-only connection there is no transaction: begin, commit and rollback send nothing, each
 * wait ends what was sent before it, and every statement must be waited for before the commit.
 *
 * Errors of every function: UNAVAILABLE (connection lost, deadlock, time-out, the server's own
 * trouble: run the whole batch again) or FAILED (a value the database refuses: classes 22 and 23).
 * After any error only ch_pg_rollback() is allowed. Thread: the owner of the ChPg. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/rows.h"
#include "chassis/postgres/statement.h"

/** One lane's connection, from ch_pg_new() (connection.h), open since ch_pg_connect() or since the
 * lane opened its unit of work (work.h). Every function belongs to the thread of that lane. */
typedef struct ChPg ChPg;

/** BEGIN goes before the first statement that is sent; where none is, the server hears of nothing.
 */
void ch_pg_begin(ChPg *pg);

/** Queues a statement. @params is consumed, also on failure. When @rows is not NULL it receives the
 * statement's rows (new; free with ch_pg_rows_free) at the next ch_pg_wait(), which must come
 * before the commit (asserted); it must stay valid until then. An error of the statement shows at
 * the next wait or commit. */
CH_MUST_CHECK bool ch_pg_send(ChPg *pg, ChPgParams *params, ChPgRows **rows, GError **error);

/** Sends what is queued and waits for every answer. */
CH_MUST_CHECK bool ch_pg_wait(ChPg *pg, GError **error);

/** ch_pg_send() and ch_pg_wait() in one: the statement's rows, never NULL without @error. */
CH_MUST_CHECK ChPgRows *ch_pg_query(ChPg *pg, ChPgParams *params, GError **error);

/** As many statements in one round trip: params[0..n) are consumed, also on failure. The new array
 * of their rows, in their order, to be freed with ch_pg_rows_free_all(); NULL with @error. */
CH_MUST_CHECK ChPgRows **ch_pg_query_all(ChPg *pg, ChPgParams *const *params, size_t n,
                                         GError **error);

/** Commits. When this fails with UNAVAILABLE the transaction may or may not have taken effect. */
CH_MUST_CHECK bool ch_pg_commit(ChPg *pg, GError **error);

/** Asks whether the server would let this session run @statement: that all that it names is there,
 * and that it has the rights. Runs nothing of it. Within a transaction, or on a read-only
 * connection. */
CH_MUST_CHECK bool ch_pg_explain(ChPg *pg, const ChPgStatement *statement, GError **error);

/** Whether the last statement that failed was given up by the server because it took longer than
 * the session's statement_timeout: then the server is there. */
bool ch_pg_timed_out(const ChPg *pg);

/** Somebody is to know of the open transaction: when it commits, ChPgConfig's `announce` is called,
 * once, before ch_pg_commit() returns. A rollback forgets it. */
void ch_pg_announce(ChPg *pg);

/** Undoes what is open; never fails: a connection that cannot is closed. Fine when nothing is open.
 */
void ch_pg_rollback(ChPg *pg);

/* ---- for connection.c and work.c, which stand above ---- */

/** Makes @pg, all zero, one that is not open. */
void ch_pg_init(ChPg *pg);

/** Closes it and frees what it holds. */
void ch_pg_clear(ChPg *pg);

/** Closes what is open and forgets what was asked and prepared. */
void ch_pg_close(ChPg *pg);

/** The same, and tells the connection why. */
void ch_pg_drop(ChPg *pg, const char *why);
