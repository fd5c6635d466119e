/* Routes are data: constant rows, each of which names the lane that answers it. What a lane is made
 * of (its queue, the context of its handlers) is bound once at the start, for all its routes. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/identity/scopes.h"

#include <stddef.h>

typedef struct ChHttpRequest ChHttpRequest;
typedef struct ChHttpLane ChHttpLane; /* chassis/http/lane.h */

/** Answers requests[0..n-1], all of one route, inside the lane's unit of work. @context: the
 * lane's. Errors: UNAVAILABLE or FAILED for all of them (see chassis/core/lane.h); refusing one is
 * an answer, not an error. */
typedef bool (*ChHttpHandler)(void *context, ChHttpRequest *const *requests, size_t n,
                              GError **error);

enum {
    CH_HTTP_INLINE = -1, /* no lane: on the server's thread with n == 1; the handler never waits */
};

/** In place of a scope; 0, which a row has that says nothing, is our bug. */
enum {
    CH_HTTP_PUBLIC = -1,   /* needs no token */
    CH_HTTP_OWN_RULE = -2, /* its handler decides by a rule of its own */
};

/** Of a route that automata call with whatever they like. */
#define CH_HTTP_ANY_QUERY "*"

/** What is out of the ordinary about a route. */
typedef enum {
    CH_HTTP_GATED = 1 << 0,      /* ask the lane's gate first */
    CH_HTTP_LARGE_BODY = 1 << 1, /* CH_HTTP_LARGE_BODY_BYTES instead of the server's limit */
    CH_HTTP_NDJSON = 1 << 2,     /* the body is application/x-ndjson, a JSON value a line */
    CH_HTTP_PROBE = 1 << 3,      /* asked all the time by what watches the process: not counted */
    CH_HTTP_PIECE = 1 << 4,      /* CH_HTTP_PIECE_BYTES, out of a budget of their own */
} ChHttpTrait;

enum {
    CH_HTTP_LARGE_BODY_BYTES = 128 * 1024,
    CH_HTTP_PIECE_BYTES = 2 * 1024 * 1024, /* a thousand lines of 2 KiB */
};

typedef struct {
    const char *method;       /* "GET" serves HEAD too */
    const char *pattern;      /* "/api/orders/{id}": a parameter is a whole segment */
    const char *operation_id; /* "placeOrder": unique in a server */
    int lane;                 /* an index into the lanes of its table, or CH_HTTP_INLINE */
    unsigned traits;          /* of ChHttpTrait; 0: none */
    ChHttpHandler handler;
    const char *query; /* the parameters that it knows, "cursor, limit": any other is answered 400;
                        * "": none; CH_HTTP_ANY_QUERY: it looks at none of them */
    int scope;         /* an index into the scopes of its table: who asks must have it; or
                        * CH_HTTP_PUBLIC, CH_HTTP_OWN_RULE. Without a lane: one of these two */
} ChHttpRoute;

/** What a lane is called, and the type of the context that all its handlers get: "OrderReads". */
typedef struct {
    const char *name;
    const char *context;
} ChHttpLaneKind;

/** The routes of an API and their lanes; a constant. */
typedef struct {
    const ChHttpRoute *routes;
    size_t routes_n;
    const ChHttpLaneKind *lanes;
    size_t lanes_n;
    const ChScopes *scopes; /* NULL: no route asks for one */
} ChHttpRouteTable;

/** A table and what serves it; all borrowed. */
typedef struct {
    const ChHttpRouteTable *table;
    ChHttpLane *const *lanes; /* one for each name in the table */
    void *inline_context;     /* of the handlers that have no lane */
} ChHttpBinding;
