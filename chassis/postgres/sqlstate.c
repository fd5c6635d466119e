/* SQLSTATEs to the classes of failure (PostgreSQL manual, appendix A). */
#include "chassis/postgres/sqlstate.h"

#include <string.h>

/* All that is not here blames the session: a role's setting that made it read-only (25006), a
 * prepared statement that no longer fits (0A000) or is gone (26000), a table or a privilege that is
 * missing (class 42), which is a deployment in progress and not a bad message. */
static const struct {
    const char *class;
    ChPgBlame blame;
} classes[] = {
    { "21", CH_PG_BLAME_ITEM },   /* cardinality */
    { "22", CH_PG_BLAME_ITEM },   /* data exception */
    { "23", CH_PG_BLAME_ITEM },   /* constraint */
    { "40", CH_PG_BLAME_MOMENT }, /* deadlock, serialization failure */
    { "44", CH_PG_BLAME_ITEM },   /* check option */
    { "53", CH_PG_BLAME_MOMENT }, /* disk, memory or connections are used up */
    { "54", CH_PG_BLAME_ITEM },   /* a value larger than an index or a row takes */
    { "55", CH_PG_BLAME_MOMENT }, /* somebody holds a lock */
    { "57", CH_PG_BLAME_MOMENT }, /* a time-out; a shutdown ends the session by itself */
    { "58", CH_PG_BLAME_MOMENT }, /* input and output */
    { "P0", CH_PG_BLAME_ITEM },   /* raised by a trigger of ours */
};

ChPgBlame ch_pg_blame(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && i < G_N_ELEMENTS(classes); i++) {
        if (strncmp(sqlstate, classes[i].class, 2) == 0)
            return classes[i].blame;
    }
    return CH_PG_BLAME_SESSION;
}

ChErrorCode ch_pg_error_class(const char *sqlstate)
{
    return ch_pg_blame(sqlstate) == CH_PG_BLAME_ITEM ? CH_ERROR_FAILED : CH_ERROR_UNAVAILABLE;
}

/* What a pooler does that gives each transaction another session of the server. */
static const char *const pooler_states[] = {
    "26000", /* a statement that we prepared is not there */
    "42P05", /* one that we did not prepare is there */
};

static const char *hint_for(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && i < G_N_ELEMENTS(pooler_states); i++) {
        if (strcmp(sqlstate, pooler_states[i]) == 0)
            return ": the session is not ours alone, a pooler must be in session mode";
    }
    return "";
}

static char *one_line(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *line = g_string_new(NULL);
    for (char **next = lines; *next != NULL; next++) {
        g_strstrip(*next);
        if (**next != '\0')
            g_string_append_printf(line, "%s%s", line->len > 0 ? "; " : "", *next);
    }
    return g_string_free(line, FALSE);
}

char *ch_pg_reason(const PGconn *conn)
{
    return one_line(PQerrorMessage(conn));
}

void ch_pg_set_error(GError **error, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    g_autofree char *line = one_line(message != NULL ? message : PQresultErrorMessage(result));
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    g_set_error(error, CH_ERROR, (int)ch_pg_error_class(sqlstate),
                "database: %s%s%s%s (SQLSTATE %s)%s", line, constraint != NULL ? " [" : "",
                constraint != NULL ? constraint : "", constraint != NULL ? "]" : "",
                sqlstate != NULL ? sqlstate : "none", hint_for(sqlstate));
}
