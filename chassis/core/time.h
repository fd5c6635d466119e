/* Clocks. Deadlines are monotonic; what is stored or sent is UTC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_TIME_TEXT_BYTES = 28
}; /* 2026-11-22T10:47:00.123456Z and the final zero */

/** From @from_us on, before @before_us; microseconds since 1970-01-01 UTC. */
typedef struct {
    int64_t from_us, before_us;
} ChTimeRange;

/** All times that can be written: 1970 to 9999. */
#define CH_TIME_ALWAYS ((ChTimeRange){ 0, INT64_C(253402300800000000) })

/** Microseconds since 1970-01-01 UTC. */
int64_t ch_time_now_us(void);

/** Microseconds of the monotonic clock: for deadlines and durations only. */
int64_t ch_time_monotonic_us(void);

/** When to do again what began at @start_us and ends now, so that it takes one part in @parts of
 * the time at most. Monotonic. */
int64_t ch_time_again_us(int64_t start_us, int parts);

/** Writes @unix_us as RFC 3339 in UTC with six decimals and Z. Years 1970 to 9999. */
void ch_time_format(int64_t unix_us, char text[CH_TIME_TEXT_BYTES]);

/** Reads RFC 3339 (any offset, up to nine decimals, the rest dropped). */
bool ch_time_parse(const char *text, size_t length, int64_t *unix_us);

/** Half of @wait_ms plus a random share of the other half: the jitter of every back-off. */
int ch_time_jitter_ms(int wait_ms);
