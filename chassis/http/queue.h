/* Where requests wait, their connections suspended, until a lane takes them as one batch. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/http/request.h"

typedef struct ChHttpQueue ChHttpQueue;

/** @name labels its metrics (a constant). At most @max_waiting requests wait; more get 503 at once.
 */
ChHttpQueue *ch_http_queue_new(const char *name, size_t max_waiting);

/** After the server and the lanes have ended. NULL is fine. */
void ch_http_queue_free(ChHttpQueue *queue);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpQueue, ch_http_queue_free)

/** The source for a ChLane; several lanes may take from one queue. Belongs to the queue. */
ChSource *ch_http_queue_source(ChHttpQueue *queue);

/** The ChHandler for such a lane: calls the handler of each route once with its requests of the
 * batch, in their order, the routes in the order of their first request. @context is not used by
 * it. */
bool ch_http_queue_handle(void *context, void *const *items, size_t n, GError **error);

/** Asks @admit before a request to a gated route may wait; false: 503 with *retry_after_s (1 or
 * more). Runs on the server's thread and must not wait. Set before the server starts. */
void ch_http_queue_set_gate(ChHttpQueue *queue,
                            bool (*admit)(void *context, unsigned *retry_after_s), void *context);
