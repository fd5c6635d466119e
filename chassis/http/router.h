/* Which route answers which method and path. */
#pragma once

#include "chassis/http/meter.h"
#include "chassis/http/route.h"

enum {
    CH_HTTP_MAX_ROUTES = 64,
    CH_HTTP_MAX_SEGMENTS = 8,
    CH_HTTP_MAX_PARAMS = 4,
};

typedef struct ChHttpRouter ChHttpRouter;

/** Of all rows of bindings[0..n): the tables, lanes and contexts stay borrowed. A malformed
 * pattern, a row or an operation that is there twice, and a lane that is not bound are our bugs. */
ChHttpRouter *ch_http_router_new(const ChHttpBinding *bindings, size_t n);
void ch_http_router_free(ChHttpRouter *router); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpRouter, ch_http_router_free)

typedef enum {
    CH_HTTP_FOUND,
    CH_HTTP_BAD_PATH, /* 400: bad percent-encoding, ".", "..", zero or control bytes, not UTF-8 */
    CH_HTTP_UNKNOWN_PATH,      /* 404 */
    CH_HTTP_METHOD_NOT_ALLOWED /* 405 */
} ChHttpMatchKind;

typedef struct {
    const ChHttpRoute *route;
    const ChScopes *scopes; /* of its table */
    ChHttpLane *lane;       /* NULL: inline */
    ChHttpMeter *meter;     /* NULL: see ch_http_router_meter() */
    void *inline_context;
    size_t params_n;
    struct {
        const char *name; /* from the pattern, not terminated: name_bytes long */
        size_t name_bytes;
        const char *value; /* decoded, inside the caller's @decoded */
    } params[CH_HTTP_MAX_PARAMS];
} ChHttpMatch;

/** Finds the route for @method and the raw @path (without query). @decoded is scratch space of at
 * least strlen(path) + 1 bytes, in which the parameters of *match live. Literal segments win over
 * parameters. */
ChHttpMatchKind ch_http_router_match(const ChHttpRouter *router, const char *method,
                                     const char *path, char *decoded, ChHttpMatch *match);

/** Where a request that was matched so, or never, is counted; NULL: nowhere, it is a probe. */
ChHttpMeter *ch_http_router_meter(const ChHttpRouter *router, const ChHttpMatch *match);

/** The Allow header for a known path: "GET, HEAD, POST, OPTIONS"; "" for others. Free with
 * g_free(). */
char *ch_http_router_allow(const ChHttpRouter *router, const char *path);
