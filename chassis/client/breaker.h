/* Circuit breaker: stops calling a server that keeps failing, then probes it with one call.
 * Pure: the clock is given in. Thread: one owner. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CH_BREAKER_CLOSED,
    CH_BREAKER_HALF_OPEN,
    CH_BREAKER_OPEN
} ChBreakerState;

typedef struct {
    int failures_to_open; /* in a row */
    int64_t open_us;
    ChBreakerState state;
    int failures; /* in a row so far */
    int64_t opened_us;
} ChBreaker;

/** A closed breaker that opens after @failures_to_open failures in a row, for @open_us. */
ChBreaker ch_breaker_new(int failures_to_open, int64_t open_us);

/** May a call be made now? While open: no; when open_us has passed: yes for one probe, no to others
 * until its result is told. Every yes must be followed by success, failure or cancel. */
bool ch_breaker_allow(ChBreaker *breaker, int64_t now_us);

/** The server answered: closes the breaker. */
void ch_breaker_success(ChBreaker *breaker);

/** The server failed: counts, and opens the breaker at the limit, or at once after a probe. */
void ch_breaker_failure(ChBreaker *breaker, int64_t now_us);

/** The call was given up without a result: a probe may be made again. */
void ch_breaker_cancel(ChBreaker *breaker);
