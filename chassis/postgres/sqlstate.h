/* What the server's errors mean. Not to be included outside chassis/postgres. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/libpq.h"

/** Whose fault it is that a statement failed. */
typedef enum {
    CH_PG_BLAME_ITEM,    /* a value that the database refuses: FAILED; all else is UNAVAILABLE */
    CH_PG_BLAME_MOMENT,  /* a conflict, a time-out, a full disk: the same session tries again */
    CH_PG_BLAME_SESSION, /* what the server has of this session, or lets it do: a new one may know
                          * better */
} ChPgBlame;

/** NULL (the connection broke) blames the session. */
ChPgBlame ch_pg_blame(const char *sqlstate);

/** The class of a SQLSTATE; NULL (the connection broke) is UNAVAILABLE. */
ChErrorCode ch_pg_error_class(const char *sqlstate);

/** What libpq says of @conn, NULL for none, as one line: it writes one for each address that it
 * tried, and a hint below. New text, "" when there is nothing to say. */
char *ch_pg_reason(const PGconn *conn);

/** Sets @error from a failed result: its class from the SQLSTATE, its text without the values. */
void ch_pg_set_error(GError **error, const PGresult *result);
