/* Deadlines of connections and of the requests on them, kept by a thread of its own.
 *
 * libmicrohttpd knows only an idle time-out that any byte resets, and none at all for suspended
 * connections. Here: a head or body that comes too slowly has its socket shut down (not closed: the
 * server's thread does that); a request that waits too long becomes EXPIRED and is resumed, for its
 * 503. */
#pragma once

#include "chassis/http/exchange.h"

typedef struct ChHttpWatch ChHttpWatch;

/** One connection; used by the server's thread. */
typedef struct ChHttpWatched ChHttpWatched;

/** When fewer than an eighth of @max_connections are left, those that have been idle for a second
 * are shut down, so that new clients find room. */
ChHttpWatch *ch_http_watch_new(int64_t request_timeout_us, int64_t idle_timeout_us,
                               unsigned max_connections);
CH_MUST_CHECK bool ch_http_watch_start(ChHttpWatch *watch, GError **error);

/** Expires all that wait, refuses new waits, ends the thread. Connections may still close
 * afterwards. */
void ch_http_watch_stop(ChHttpWatch *watch);

/** After the last connection was closed. NULL is fine. */
void ch_http_watch_free(ChHttpWatch *watch);

ChHttpWatched *ch_http_watch_open(ChHttpWatch *watch, int fd);
void ch_http_watch_close(ChHttpWatch *watch, ChHttpWatched *watched);

/** A request comes in on the connection; borrowed until end. */
void ch_http_watch_begin(ChHttpWatch *watch, ChHttpWatched *watched, ChHttpRequest *request);
void ch_http_watch_end(ChHttpWatch *watch, ChHttpWatched *watched);

/** READING -> WAITING of its request; false after stop. */
bool ch_http_watch_wait(ChHttpWatch *watch, ChHttpWatched *watched);
