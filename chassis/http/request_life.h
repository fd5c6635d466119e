/* What chassis/http knows of a request: for the files that carry it, not for handlers.
 *
 * Life: READING (the server's thread reads it) -> WAITING (connection suspended, in a queue or in a
 * lane's hands) -> ANSWERED or EXPIRED, whichever comes first. Who wins that step resumes the
 * connection, once; the other one drops its part. The answer belongs to the handler's thread until
 * ANSWERED, then to the server's; after EXPIRED the server makes its own and a late answer is freed
 * with the request. */
#pragma once

#include "chassis/core/trace.h"
#include "chassis/http/address.h"
#include "chassis/http/router.h"
#include "chassis/identity/caller.h"

#include <stdatomic.h>

enum {
    CH_HTTP_MAX_ANSWER_HEADERS = 8,
    CH_HTTP_MAX_ANSWER_HEADER_BYTES = 2048,
    CH_HTTP_MAX_QUERY_PARAMS = 32,
};

typedef struct ChHttpAnswer {
    unsigned status; /* 0: none yet */
    const char *content_type;
    GString *body; /* NULL: none */
    size_t headers_n;
    struct {
        const char *name;
        char *value;
    } headers[CH_HTTP_MAX_ANSWER_HEADERS];
} ChHttpAnswer;

typedef enum {
    CH_HTTP_READING,
    CH_HTTP_WAITING,
    CH_HTTP_ANSWERED,
    CH_HTTP_EXPIRED
} ChHttpState;

typedef struct {
    const char *name;
    const char *value;
} ChHttpParam;

/* The loop of a server, as finished requests know it. */
typedef struct ChHttpResumer ChHttpResumer;

typedef struct {
    /* Resumes the connections of requests that the caller finished (it won); takes one reference of
     * each. Any thread. */
    void (*resume)(ChHttpResumer *resumer, ChHttpRequest *const *requests, size_t n);
} ChHttpResumerOps;

struct ChHttpResumer {
    const ChHttpResumerOps *ops;
};

/* A rate that callers are held to. */
typedef struct ChHttpLimit ChHttpLimit;

/* Where requests wait that no lane has to do with for now. */
typedef struct ChHttpKeeper ChHttpKeeper;

typedef struct {
    /* Takes @request, which is WAITING, with the lane's reference. False: there is no room, and
     * nothing was taken. The lane's thread. */
    bool (*keep)(ChHttpKeeper *keeper, ChHttpRequest *request);
} ChHttpKeeperOps;

struct ChHttpKeeper {
    const ChHttpKeeperOps *ops;
};

struct ChHttpRequest {
    _Atomic int references; /* the server's, and one while WAITING: the queue's or the lane's */
    _Atomic int state;      /* ChHttpState */
    _Atomic int64_t deadline_us; /* monotonic; later for one that is kept */
    atomic_bool kept;            /* by a keeper, once: its client may well go away meanwhile */

    /* Written by the server's thread before WAITING, read-only after. */
    char method[16];
    char *path;  /* raw, without query */
    char *query; /* raw, NULL without */
    ChTrace trace;
    ChHttpAddress client; /* of the connection, until the head is read */
    GString *headers;     /* name, zero, value, zero, ... */
    GString *body;        /* NULL: none */
    ChHttpMatch match;
    char *decoded; /* the texts of match and of query_params */
    ChHttpParam *query_params;
    size_t query_params_n;
    int64_t started_us; /* monotonic */
    ChHttpResumer *resumer;
    void *connection; /* the resumer's own */

    /* The handler's thread's. */
    ChCaller *caller;         /* a reference; NULL: not known, or authentication is off */
    const ChHttpLimit *limit; /* that the caller is held to; NULL: to none */
    int64_t left;             /* of it, as is the next */
    int64_t full_us;
    bool admitted; /* it was counted, and was not too many */
    ChHttpAnswer answer;
    size_t
        unsent_bytes; /* of an answer that its lane gave: counted by the queue until it is sent */
    void *data;
    GDestroyNotify destroy_data;
    ChHttpKeeper *keeper; /* that its handler gave it to, in place of an answer; NULL: none */
    int64_t keep_until_us;
    GArray *changes; /* ChHttpChange, what its handler noted; NULL: nothing */
    const char
        *actor; /* who it is that acts without being a caller; a constant; NULL: nobody known */
};

/** A request of one reference for @target, "/path?query" as the client wrote it. */
ChHttpRequest *ch_http_request_new(const char *target, int64_t started_us, int64_t deadline_us);

ChHttpRequest *ch_http_request_ref(ChHttpRequest *request);
void ch_http_request_unref(ChHttpRequest *request);

/** Forgets what its handler noted. */
void ch_http_request_drop_changes(ChHttpRequest *request);

/** Frees the handler's data. */
void ch_http_request_drop_data(ChHttpRequest *request);

/** Keeps one header. */
void ch_http_request_add_header(ChHttpRequest *request, const char *name, size_t name_bytes,
                                const char *value, size_t value_bytes);

/** Decodes the query. False: malformed or too many parameters. */
bool ch_http_request_read_query(ChHttpRequest *request);

/** WAITING -> @state (ANSWERED or EXPIRED). True for the one caller that won: it must call resume.
 */
bool ch_http_request_finish(ChHttpRequest *request, ChHttpState state);

void ch_http_answer_clear(ChHttpAnswer *answer);

/** As ch_http_respond_header(). */
void ch_http_answer_header(ChHttpAnswer *answer, const char *name, const char *value);
