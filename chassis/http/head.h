/* What the head of a request alone decides: whether it is refused, and which route it goes to. */
#pragma once

#include "chassis/http/guard.h"
#include "chassis/http/problem.h"
#include "chassis/http/request_life.h"

enum {
    /* A body this many times too long is still read to its end, so that the client sees its 413 and
     * not a broken connection; a longer one is cut. */
    CH_HTTP_DISCARD_BODIES = 8,
};

typedef struct {
    const ChHttpProblem *problem; /* NULL: not refused */
    const char *detail;
    bool at_once; /* without reading the body; the connection closes */
} ChHttpRefusal;

/** Sets the trace, the match and the query parameters of @request, whose method and headers are
 * there. */
ChHttpRefusal ch_http_head_check(const ChHttpRouter *router, ChHttpRequest *request,
                                 const ChHttpGuard *guard, const char *version,
                                 size_t max_body_bytes);

/** After that: how long the body may be, which the route may say. */
size_t ch_http_head_max_body(const ChHttpRequest *request, size_t max_body_bytes);
