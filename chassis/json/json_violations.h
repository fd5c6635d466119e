/* How violations are written. */
#pragma once

#include "chassis/core/violations.h"

#include <glib.h>

/** Appends {"path":["message",...],...} to @json as the member @key (see json_writer.h): one member
 * a path, in the order of their first messages. */
void ch_json_add_violations(GString *json, const char *key, const ChViolations *violations);
