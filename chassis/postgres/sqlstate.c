/* SQLSTATEs to the classes of failure (PostgreSQL manual, appendix A). */
#include "chassis/postgres/sqlstate.h"

#include <string.h>

/* What can be an item's own fault. All else is the server's or the operator's trouble, and passes:
 * a missing table or privilege (class 42) is a deployment in progress, not a bad message. */
static const char *const item_classes[] = {
    "21", /* cardinality */
    "22", /* data exception */
    "23", /* constraint */
    "44", /* check option */
    "54", /* a value larger than an index or a row takes */
    "P0", /* raised by a trigger of ours */
};

ChErrorCode ch_pg_error_class(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && i < G_N_ELEMENTS(item_classes); i++) {
        if (strncmp(sqlstate, item_classes[i], 2) == 0)
            return CH_ERROR_FAILED;
    }
    return CH_ERROR_UNAVAILABLE;
}

void ch_pg_set_error(GError **error, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    g_set_error(error, CH_ERROR, (int)ch_pg_error_class(sqlstate),
                "database: %s%s%s%s (SQLSTATE %s)",
                message != NULL ? message : PQresultErrorMessage(result),
                constraint != NULL ? " [" : "", constraint != NULL ? constraint : "",
                constraint != NULL ? "]" : "", sqlstate != NULL ? sqlstate : "none");
}
