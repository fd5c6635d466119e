/* libpq with the cleanup of its types, and what the files of this room share behind it.
 * Not to be included outside chassis/postgres. */
#pragma once

#include "chassis/core/work.h"
#include "chassis/postgres/connection.h"
#include "chassis/postgres/rows.h"
#include "chassis/postgres/statement.h"

#include <glib.h>
#include <libpq-fe.h>
#include <stdint.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGconn, PQfinish)

/** Rows over @result, which is consumed. */
ChPgRows *ch_pg_rows_take(PGresult *result);

/** Sets @error from a failed result: its class from the SQLSTATE, its text without the values. */
void ch_pg_set_error(GError **error, const PGresult *result);

/** The class of a SQLSTATE; NULL (the connection broke) is UNAVAILABLE. */
ChErrorCode ch_pg_error_class(const char *sqlstate);

/* What is still to be answered, oldest first. */
typedef enum {
    CH_PG_EXPECT_COMMAND, /* begin, rollback */
    CH_PG_EXPECT_COMMIT,
    CH_PG_EXPECT_PREPARE,
    CH_PG_EXPECT_QUERY,
    CH_PG_EXPECT_SYNC,
} ChPgExpected;

typedef struct {
    ChPgExpected kind;
    const ChPgStatement *statement; /* of a prepare or query */
    ChPgRows **rows;                /* of a query; NULL: nobody wants them */
} ChPgAnswer;

/* All of it belongs to the thread of the lane. */
struct ChPg {
    ChWork work; /* first: ch_pg_work() casts */
    ChPgConfig config;
    PGconn *conn;         /* NULL while closed; in pipeline mode while open */
    GQueue answers;       /* ChPgAnswer *, owned */
    GHashTable *prepared; /* const ChPgStatement *, sent to this connection */
    bool in_transaction;  /* BEGIN was queued and neither COMMIT nor ROLLBACK was answered */
    bool stale; /* reconnect before the next transaction: a prepared statement no longer fits, or
                 * the buffers have grown large */
    int64_t retry_at_us; /* no new try to connect before this */
    int retry_ms;        /* the last wait; 0 while all is well */
    GError *last_error;  /* why the last try failed */
};

/** Closes the connection, so that the next ch_pg_connect() opens a new one; tells health why. */
void ch_pg_drop(ChPg *pg, const char *why);

/** Queues BEGIN on an open connection. */
CH_MUST_CHECK bool ch_pg_open_transaction(ChPg *pg, GError **error);

void ch_pg_work_init(ChWork *work);
