/* The server's side of a queue: for chassis/http alone. */
#pragma once

#include "chassis/http/exchange.h"

/** Asks the gate for a gated route. False: *retry_after_s says when to come back. */
bool ch_http_queue_admits(ChHttpQueue *queue, const ChHttpRoute *route, unsigned *retry_after_s);

/** Hands over a request that is WAITING, with one reference. False: the queue is full, nothing was
 * taken. */
bool ch_http_queue_push(ChHttpQueue *queue, ChHttpRequest *request);

/** Calls @route's handler for one request on this thread and puts an answer on it in any case. */
void ch_http_run_inline(const ChHttpRoute *route, ChHttpRequest *request);
