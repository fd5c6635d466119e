/* What a request changed, as its handler notes it for who keeps the record (chassis/audit). Who
 * asked, when, and by which operation is known without it. Thread: the lane's. */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/http/request.h"

#include <glib.h>

typedef struct {
    const char *object; /* the kind of what was changed, "order"; a constant */
    ChUuid id;
    GString *before; /* a JSON value; NULL: it was not there */
    GString *after;  /* a JSON value; NULL: it is there no more */
    char *why;       /* NULL: the header X-Reason says so, or nobody */
} ChHttpChange;

enum {
    CH_HTTP_CHANGE_MAX_BYTES = 32 * 1024, /* of each JSON value; more is our bug */
};

/** Notes a change by @request; takes what @change owns. Several of one request are kept in their
 * order. What a batch noted that runs again is forgotten. */
void ch_http_note_change(ChHttpRequest *request, ChHttpChange change);

/** What was noted; *n of them. */
const ChHttpChange *ch_http_changes(const ChHttpRequest *request, size_t *n);

/** Keeps the record of what requests[0..n) changed, one at least, each something, in the unit of
 * work that changed it. Errors: as a handler's. */
typedef bool (*ChHttpRecorder)(void *context, ChHttpRequest *const *requests, size_t n,
                               GError **error);
