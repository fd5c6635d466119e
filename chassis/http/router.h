/* Which handler answers which method and path. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/http/queue.h"
#include "chassis/http/request.h"

/** Answers requests[0..n-1], all of one route, inside the lane's unit of work. Errors: UNAVAILABLE
 * or FAILED for all of them (see chassis/core/lane.h); refusing one is an answer, not an error. */
typedef bool (*ChHttpHandler)(void *context, ChHttpRequest *const *requests, size_t n,
                              GError **error);

typedef struct {
    const char *method;  /* "GET" serves HEAD too */
    const char *pattern; /* "/api/orders/{id}": a parameter is a whole segment */
    ChHttpHandler handler;
    void *context;
    ChHttpQueue
        *queue; /* NULL: inline, on the server's thread with n == 1; such a handler never waits */
    bool gated; /* ask the queue's gate first */
} ChHttpRoute;

enum {
    CH_HTTP_MAX_ROUTES = 64,
    CH_HTTP_MAX_SEGMENTS = 8,
    CH_HTTP_MAX_PARAMS = 4,
};

typedef struct ChHttpRouter ChHttpRouter;

/** Copies the table; its texts stay borrowed. A pattern that is malformed or given twice is our
 * bug. */
ChHttpRouter *ch_http_router_new(const ChHttpRoute *routes, size_t n);
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

/** The Allow header for a known path: "GET, HEAD, POST". Free with g_free(). */
char *ch_http_router_allow(const ChHttpRouter *router, const char *path);
