/* Typed reading of request bodies and query parameters; faults become violations. */
#pragma once

#include "chassis/core/time.h"
#include "chassis/core/uuid.h"
#include "chassis/http/request.h"
#include "chassis/json/json.h"

/** Parses the body as a JSON object. NULL when it is none: a violation of path "" says why.
 * Free with ch_json_free(). */
ChJson *ch_http_request_json(const ChHttpRequest *request, ChViolations *violations);

/* As the getters of chassis/json/json_read.h: true when present and valid; else *value is
 * untouched, and a parameter that is there but wrong, or given more than once, adds a violation. */

bool ch_http_query_uuid(const ChHttpRequest *request, const char *name, ChUuid *value,
                        ChViolations *violations);
bool ch_http_query_integer(const ChHttpRequest *request, const char *name, int64_t min, int64_t max,
                           int64_t *value, ChViolations *violations);
/** A text of at most @max_chars characters; an empty one is a violation. */
bool ch_http_query_text(const ChHttpRequest *request, const char *name, size_t max_chars,
                        const char **value, ChViolations *violations);

/** A time as RFC 3339 has it. */
bool ch_http_query_time(const ChHttpRequest *request, const char *name, int64_t *unix_us,
                        ChViolations *violations);
/** "true" or "false". */
bool ch_http_query_bool(const ChHttpRequest *request, const char *name, bool *value,
                        ChViolations *violations);
/** createdAfter (that time or later) and createdBefore (earlier than it); what is not given leaves
 * its end of *range open. */
void ch_http_query_created(const ChHttpRequest *request, ChTimeRange *range,
                           ChViolations *violations);

/** True when the route of @request knows every parameter of its query; else it was answered: 400
 * with those it does not know, each with the known ones. */
bool ch_http_query_is_known(ChHttpRequest *request);

/** The next name of a route's list: copied to @name, and *rest moved behind it. False at the end.
 */
bool ch_http_query_next_name(const char **rest, char *name, size_t name_bytes);

/** The path parameter @name as a UUID; false (no violation: the answer is 404) when it is none. */
bool ch_http_param_uuid(const ChHttpRequest *request, const char *name, ChUuid *value);
