/* A call to an HTTP server, and what came of it. */
#pragma once

#include "chassis/core/span.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CH_HTTP_OK,           /* 2xx */
    CH_HTTP_REFUSED,      /* 3xx or 4xx but 408 and 429: trying again changes nothing */
    CH_HTTP_UNAVAILABLE,  /* no connection, time-out, 5xx, 408, 429 after all retries, or cancelled
                           */
    CH_HTTP_BREAKER_OPEN, /* not called at all */
    CH_HTTP_PAUSED,       /* not called at all: the server asked for a pause */
} ChHttpOutcome;

/** One call: the caller fills the first part (zero the rest), fetch the second;
 * ch_http_call_clear() frees the second. */
typedef struct {
    const char *method; /* "GET", "POST", "PUT" */
    const char *url;
    const char *const
        *headers;     /* "Name: value", NULL-terminated; may be NULL. No control characters */
    const char *body; /* may be NULL */
    size_t body_bytes;
    ChTrace trace;            /* of the call, as its traceparent header says; none: it has none */
    const char *url_template; /* "/customers/{id}": names its span; may be NULL */

    ChHttpOutcome outcome;
    unsigned status; /* of the last answer; 0 when there was none */
    GString *answer; /* the body of the last answer, maybe empty; NULL when none was asked for */
    char *fault;     /* why it is not OK, for a log; NULL when it is */
    int tries;
    int64_t took_ms;        /* the last try, whatever came of it */
    int64_t retry_after_ms; /* the rest of the pause that the server asked for; 0: none */
    ChSpan *span;           /* the client's own */
} ChHttpCall;

void ch_http_call_clear(ChHttpCall *call);
