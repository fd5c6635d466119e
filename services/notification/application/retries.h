/* Attempts that failed: when the next one is made, and what is kept of the reason. */
#pragma once

#include <stdint.h>

enum {
    NOTIFICATION_MAX_ATTEMPTS = 5
};

/** How long to wait after @attempt, from 1, has failed; spread by jitter, so that an outage does
 * not end in a burst. Beyond the last attempt it no longer grows. */
int64_t notification_retry_delay_ms(int64_t attempt);

/** One line of valid UTF-8, not too long. Takes @why, which may be NULL; free with g_free(). */
char *notification_tidy_reason(char *why);
