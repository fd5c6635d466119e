/* libpq with the cleanup of its types, and what the pipeline, the connection above it and the unit
 * of work above both know of a connection. Not to be included outside chassis/postgres. */
#pragma once

#include "chassis/core/work.h"
#include "chassis/postgres/statement.h"

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGconn, PQfinish)

/** A column of a select: from its end on only the service's own tables are met, whatever the role's
 * settings and other schemas hold. The temporary schema, which would be the first, is the last. */
#define CH_PG_SET_SEARCH_PATH "pg_catalog.set_config('search_path', 'public, pg_temp', false)"

/** The value of gssencmode, which comes before the URL among the parameters so that the URL's own
 * wins; NULL leaves it to libpq's variable PGGSSENCMODE. libpq would look for Kerberos credentials
 * before each connection, which costs every process 0.8 MiB and hardly any installation has. */
static inline const char *ch_pg_gss_mode(void)
{
    return g_getenv("PGGSSENCMODE") == NULL ? "disable" : NULL;
}

struct ChPg;

/** What the pipeline tells the connection that it is part of, at once and on the lane's thread. */
typedef struct {
    void (*lost)(struct ChPg *pg, const char *why); /* it is closed now */
    /* The server did not run @statement (NULL: begin or commit), and no item is to blame. */
    void (*refused)(struct ChPg *pg, const ChPgStatement *statement, const char *why);
    void (*announced)(struct ChPg *pg); /* see ch_pg_announce() */
} ChPgOps;

/** All of it belongs to the thread of the lane. */
struct ChPg {
    const ChPgOps *ops;
    ChWork base;    /* see ch_pg_work() */
    PGconn *conn;   /* NULL while closed; in pipeline mode while open */
    GQueue answers; /* what is still to be answered, oldest first; pipeline.c knows the type */
    GHashTable *prepared; /* const ChPgStatement *, sent to this connection */
    bool read_only;       /* no transactions: see pipeline.h */
    bool begin_due;       /* before the next statement */
    bool in_transaction;  /* BEGIN was queued and neither COMMIT nor ROLLBACK was answered */
    bool announced;       /* the open transaction's commit is to be told of */
    bool timed_out;       /* the last statement that failed took too long */
    bool stale; /* reconnect before the next transaction: the session is to blame for a failure, or
                 * the buffers have grown large */
};
