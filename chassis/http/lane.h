/* A lane as its routes see it: the queue in which their requests wait, the context of their
 * handlers, the gate of those that are gated.
 *
 * A ChLane that serves it has its source, and as handler ch_http_lane_run() with the source as
 * context; several may serve one. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/http/change.h"
#include "chassis/http/limits.h"
#include "chassis/http/route.h"
#include "chassis/identity/identity.h"

/** False: not now; *retry_after_s (1 or more) may be set. Runs on the server's thread, must not
 * wait. */
typedef bool (*ChHttpGate)(void *context, unsigned *retry_after_s);

/** @name labels its metrics (a constant). At most @max_waiting requests wait; more get 503 at once.
 * @context, borrowed: of all its handlers. */
ChHttpLane *ch_http_lane_new(const char *name, size_t max_waiting, void *context);

/** After the server and those who serve it have ended. NULL is fine. */
void ch_http_lane_free(ChHttpLane *lane);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpLane, ch_http_lane_free)

/** Asks @gate before a request to a gated route may wait; false: 503. Set before the server starts.
 */
void ch_http_lane_set_gate(ChHttpLane *lane, ChHttpGate gate, void *context);

/** From now on the lane's requests need a token that @identity knows, with the scope of their route
 * (others are answered 401 and 403), and their callers are held to @limits (429). Both are
 * borrowed; NULL: nobody is asked, or there are none. Set before the server starts. */
void ch_http_lane_set_access(ChHttpLane *lane, ChIdentity *identity, ChHttpLimits *limits);

/** Keeps the record of what the lane's requests change: once a batch, behind all handlers, of those
 * that noted something. Set before the server starts; without it no handler may note anything. */
void ch_http_lane_set_recorder(ChHttpLane *lane, ChHttpRecorder recorder, void *context);

/** Belongs to the lane. */
ChSource *ch_http_lane_source(ChHttpLane *lane);

/** A ChHandler: calls the handler of each route once with its requests of the batch, in their
 * order, the routes in the order of their first request. @source: of a ChHttpLane. */
bool ch_http_lane_run(void *source, void *const *items, size_t n, GError **error);

/* For who keeps requests that a lane has left to him (waits.h): */

/** Lets go of requests of any lanes, which have their answers. */
void ch_http_lane_finish(void *const *items, size_t n);

/** Answers all 503 and lets go of them. */
void ch_http_lane_turn_away(void *const *items, size_t n);

/** Answers 500 and logs why. */
void ch_http_lane_fail(ChHttpRequest *request, const GError *why);

/* The server's thread, for a request whose route is found: */

/** Asks the gate if the route is gated. */
bool ch_http_lane_admits(const ChHttpRequest *request, unsigned *retry_after_s);

/** Hands over a request that is WAITING, with one reference. False: the queue is full, nothing was
 * taken. */
bool ch_http_lane_push(ChHttpRequest *request);

/** The connection is done with the request: its answer, if the lane gave it, is no longer counted
 * among those that are on their way. */
void ch_http_lane_sent(const ChHttpRequest *request);

/** Calls the handler of a route without a lane, and puts an answer on the request in any case. */
void ch_http_lane_run_inline(ChHttpRequest *request);
