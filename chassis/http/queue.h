/* Where requests wait, their connections suspended, until a lane takes them as one batch. */
#pragma once

#include "chassis/http/request_life.h"

typedef struct ChHttpQueue ChHttpQueue;

/** @name labels its metrics (a constant). At most @max_waiting requests wait. */
ChHttpQueue *ch_http_queue_new(const char *name, size_t max_waiting);

/** After all threads that use it have ended. NULL is fine. */
void ch_http_queue_free(ChHttpQueue *queue);

/** Hands over a request that is WAITING, with one reference. False: the queue is full, nothing was
 * taken. Any thread. */
bool ch_http_queue_push(ChHttpQueue *queue, ChHttpRequest *request);

/** Waits up to @wait_ms for a first request, then takes what is there, @max at most, into items[];
 * returns how many. Those that expired while they waited are dropped. Any thread. */
size_t ch_http_queue_take(ChHttpQueue *queue, void **items, size_t max, int wait_ms);

/** Ends a wait in take at once. Any thread. */
void ch_http_queue_wake(ChHttpQueue *queue);
