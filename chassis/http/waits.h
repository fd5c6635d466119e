/* Requests that wait for something to happen: a client's long poll. Their connections stay
 * suspended, and they cost their memory alone: a lane looks at all of them in rounds, a batch at a
 * time, whether what they wait for has happened.
 *
 * A handler leaves a request here in place of an answer. Its handler here either answers it, or
 * leaves it as it is until the next round. The next round begins 50 ms after the end of one, or
 * later, so that rounds take a tenth of the time at most. One whose client hangs up is dropped. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/http/route.h"

#include <stdint.h>

typedef struct ChHttpWaits ChHttpWaits;

/** At most @max wait; more are answered 503. @handler gets @context (borrowed) and a batch of those
 * that wait; it answers each that is over. */
ChHttpWaits *ch_http_waits_new(size_t max, ChHttpHandler handler, void *context);

/** After the server and the lane have ended. NULL is fine. */
void ch_http_waits_free(ChHttpWaits *waits);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpWaits, ch_http_waits_free)

/** From a lane's handler: @request waits until @until_us (monotonic) at most, and gets no answer
 * for now. The lane's thread. */
void ch_http_waits_for(ChHttpWaits *waits, ChHttpRequest *request, int64_t until_us);

/** For @handler: the time of @request is over, it has to be answered. The lane's thread. */
bool ch_http_waits_is_over(const ChHttpRequest *request);

/** The server stops: all are over, those that come from now on too. Any thread. */
void ch_http_waits_end(ChHttpWaits *waits);

/** Belongs to the waits. */
ChSource *ch_http_waits_source(ChHttpWaits *waits);

/** The lane's ChHandler; @waits is its context. */
bool ch_http_waits_run(void *waits, void *const *items, size_t n, GError **error);
