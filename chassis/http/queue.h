/* Where requests wait, their connections suspended, until a lane takes them as one batch.
 *
 * It also counts the answers that are on their way back to clients, because they take memory until
 * the last byte is sent: while those are many, takes wait. */
#pragma once

#include "chassis/http/request_life.h"

typedef struct ChHttpQueue ChHttpQueue;

/** @name labels its metrics (a constant). At most @max_waiting requests wait. */
ChHttpQueue *ch_http_queue_new(const char *name, size_t max_waiting);

/** After all threads that use it have ended. NULL is fine. */
void ch_http_queue_free(ChHttpQueue *queue);

/** Hands over a request that is WAITING, with one reference. False: the queue is full, or 16 MiB of
 * answers wait for their readers; nothing was taken. Any thread. */
bool ch_http_queue_push(ChHttpQueue *queue, ChHttpRequest *request);

/** Waits up to @wait_ms for a first request and for room for answers, then takes what is there,
 * @max at most, into items[]; returns how many. Where there is no room by then it takes one: slow
 * readers hold others up for @wait_ms at most, and cost one answer's memory each time; from 16 MiB
 * on it takes none. Those that
 * expired while they waited are dropped. Any thread. */
size_t ch_http_queue_take(ChHttpQueue *queue, void **items, size_t max, int wait_ms);

/** Answers to requests of this queue, which take @bytes of memory, begin to go out. Any thread, as
 * are the next. */
void ch_http_queue_add_unsent(ChHttpQueue *queue, size_t bytes);

/** Some of them were sent, or nobody reads them any more. */
void ch_http_queue_subtract_unsent(ChHttpQueue *queue, size_t bytes);

/** Ends a wait in take at once. */
void ch_http_queue_wake(ChHttpQueue *queue);
