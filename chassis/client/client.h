/* HTTP client: concurrent calls with retry and a circuit breaker. One thread owns a client. */
#pragma once

#include "chassis/client/call.h"
#include "chassis/client/pause.h"
#include "chassis/core/error.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ChHttpClient ChHttpClient;

/** Zero means the default, but for retries. */
typedef struct {
    const char *name;        /* of the server called, labels the metrics; a constant */
    int64_t timeout_ms;      /* of one try: 2 s */
    int retries;             /* after the first try */
    int64_t retry_step_ms;   /* the wait before retry k is k steps, with jitter: 200 ms */
    int64_t total_budget_ms; /* for one fetch with all its retries: 10 s */
    int breaker_failures;    /* tries in a row that open the breaker: 5 */
    int64_t breaker_open_ms; /* 30 s */
    size_t max_answer_bytes; /* 1 MiB; a longer answer counts as UNAVAILABLE */
    size_t max_concurrent;   /* 16 */
    const char *protocols;   /* "http,https" */
    const char *ca_file; /* PEM, of the CA that vouches for the server; NULL or "": the system's */
    bool many_servers;   /* each call goes to whomever: no breaker, and no common pause */
    bool public_only;    /* calls only addresses that ch_address_is_public(); others fail */
    /* Asked about ten times a second during a fetch; true ends it, open calls become UNAVAILABLE.
     * NULL: never. */
    bool (*cancelled)(void *context);
    void *context;
    ChPause *pause; /* shared with others that call this server; NULL: the client's own */
} ChHttpClientConfig;

/** Costs nothing until the first fetch, which starts libcurl. */
CH_MUST_CHECK ChHttpClient *ch_http_client_new(const ChHttpClientConfig *config);
void ch_http_client_free(ChHttpClient *client); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpClient, ch_http_client_free)

/** Makes all calls and returns when each has its outcome. Redirects are not followed (3xx is
 * REFUSED); no proxy, netrc or cookies. After a 429 or 503 with Retry-After (RFC 9110, section
 * 10.2.3) nothing is called for so long, 10 minutes at most. Never fails as a whole. */
void ch_http_client_fetch(ChHttpClient *client, ChHttpCall *calls, size_t n);
