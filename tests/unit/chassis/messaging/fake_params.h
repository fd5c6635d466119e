/* Parameters of a statement as text, read from what travels to the server. */
#pragma once

#include "chassis/postgres/statement.h"

/** @value, NULL for null, of a parameter of @type. An array's elements are separated by "|"; null
 * is "null"; a time is in microseconds since 1970 UTC. Free with g_free(). */
char *fake_param_text(ChPgType type, const char *value, size_t bytes);
