/* What the server's errors mean. Not to be included outside chassis/postgres. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/libpq.h"

/** The class of a SQLSTATE; NULL (the connection broke) is UNAVAILABLE. */
ChErrorCode ch_pg_error_class(const char *sqlstate);

/** Sets @error from a failed result: its class from the SQLSTATE, its text without the values. */
void ch_pg_set_error(GError **error, const PGresult *result);
