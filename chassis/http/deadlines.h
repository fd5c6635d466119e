/* Deadlines of connections and of the requests on them.
 *
 * libmicrohttpd (0.9 and 1.0 alike) knows only an idle time-out that any byte resets, and none at
 * all for suspended connections. Here: a head or body that comes too slowly has its socket shut
 * down (not closed: libmicrohttpd does that), and so has one whose client hung up before its
 * request was whole or while it is kept; a request that waits too long becomes EXPIRED, for its
 * 503. Everything belongs to the server's thread. */
#pragma once

#include "chassis/http/request_life.h"

typedef struct ChHttpDeadlines ChHttpDeadlines;

/** One connection. */
typedef struct ChHttpTimed ChHttpTimed;

/** When fewer than an eighth of @max_connections are left, those that have been idle for a second
 * are shut down, so that new clients find room; if that is not enough, those that have not sent
 * their request within a second, of the address that has most of them. */
ChHttpDeadlines *ch_http_deadlines_new(int64_t request_timeout_us, int64_t idle_timeout_us,
                                       unsigned max_connections, bool tls);

/** After the last connection was closed. NULL is fine. */
void ch_http_deadlines_free(ChHttpDeadlines *deadlines);

/** @address: of the client, as a number; those that share one lose their places together. */
ChHttpTimed *ch_http_deadlines_open(ChHttpDeadlines *deadlines, int fd, uint64_t address);
/** Its request was sent by @address, as a proxy says. */
void ch_http_deadlines_speaks_for(ChHttpTimed *timed, uint64_t address);

void ch_http_deadlines_close(ChHttpDeadlines *deadlines, ChHttpTimed *timed);

/** A request comes in on the connection; borrowed until end. */
void ch_http_deadlines_begin(ChHttpTimed *timed, ChHttpRequest *request);
void ch_http_deadlines_end(ChHttpDeadlines *deadlines, ChHttpTimed *timed);

/** READING -> WAITING of its request; false once all were expired. */
bool ch_http_deadlines_wait(ChHttpDeadlines *deadlines, ChHttpTimed *timed);

/** When to enforce them next (monotonic); INT64_MAX while there is no connection. */
int64_t ch_http_deadlines_due_us(const ChHttpDeadlines *deadlines);

/** If that time has come, ends what takes too long. Appends to @expired the requests that it
 * expired, a reference each: the caller resumes their connections. */
void ch_http_deadlines_enforce(ChHttpDeadlines *deadlines, GPtrArray *expired);

/** The server stops: expires all that wait, whatever their deadline, and refuses new waits.
 * @expired as above. */
void ch_http_deadlines_expire_all(ChHttpDeadlines *deadlines, GPtrArray *expired);
