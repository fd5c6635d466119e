/* The HTTP/1.1 server: libmicrohttpd with limits, deadlines and a strict reading of requests.
 *
 * One thread reads and writes all connections and enforces their deadlines; handlers of routes with
 * a lane run there while the connection is suspended. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/http/browsers.h"
#include "chassis/http/certificate.h"
#include "chassis/http/proxies.h"
#include "chassis/http/route.h"

#include <stdint.h>

typedef struct ChHttpServer ChHttpServer;

/** Zero means the default. */
typedef struct {
    ChListen listen;
    const ChHttpBinding *bindings; /* tables, lanes and contexts stay borrowed */
    size_t bindings_n;
    const ChHttpProxies *proxies;   /* borrowed */
    const ChHttpOrigins *origins;   /* whose pages may call; borrowed */
    ChHttpCertificate *certificate; /* for TLS; borrowed; NULL: plain HTTP */
    size_t max_body_bytes;          /* 64 KiB; a route may allow more */
    size_t max_header_bytes;        /* 16 KiB for request line, headers and parsing */
    unsigned max_connections;       /* 2,048, and never more than the file descriptors allow */
    int64_t request_timeout_ms;     /* 10 s from the first byte to the answer */
    int64_t idle_timeout_ms;        /* 60 s: a kept connection without a request; 1 s when
                                     * fewer than an eighth of the connections are left */
} ChHttpServerConfig;

/** Binds and listens; serves from ch_http_server_start() on.
 * Errors: CH_ERROR_CONFIG (address unknown, in use or not allowed), UNAVAILABLE. */
CH_MUST_CHECK ChHttpServer *ch_http_server_new(const ChHttpServerConfig *config, GError **error);

/** Errors: UNAVAILABLE when the system gives no thread. */
CH_MUST_CHECK bool ch_http_server_start(ChHttpServer *server, GError **error);

/** The port it listens on: the one the system chose when 0 was asked for. */
uint16_t ch_http_server_port(const ChHttpServer *server);

/** Stops accepting, tells kept connections to close and waits until every request in flight is
 * answered or @deadline_us (ch_time_monotonic_us) has passed. The lanes must still run. True: all
 * were answered. */
bool ch_http_server_drain(ChHttpServer *server, int64_t deadline_us);

/** Answers what still waits with 503, ends the thread, closes all connections. Lanes that still
 * hold requests may go on to settle them; nothing is sent. Also done by free. */
void ch_http_server_stop(ChHttpServer *server);

/** NULL is fine. */
void ch_http_server_free(ChHttpServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpServer, ch_http_server_free)
