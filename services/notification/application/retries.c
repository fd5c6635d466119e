/* What follows from a failure. */
#include "notification/application/retries.h"

#include "chassis/core/time.h"

#include <glib.h>

enum {
    MAX_REASON_CHARS = 500,
};

/* After attempt 1, 2, ... */
static const int delays_ms[] = { 5 * 1000, 30 * 1000, 120 * 1000, 600 * 1000 };
G_STATIC_ASSERT(G_N_ELEMENTS(delays_ms) == NOTIFICATION_MAX_ATTEMPTS - 1);

int64_t notification_retry_delay_ms(int64_t attempt)
{
    g_assert(attempt >= 1);
    return ch_time_jitter_ms(delays_ms[MIN((size_t)attempt, G_N_ELEMENTS(delays_ms)) - 1]);
}

char *notification_tidy_reason(char *why)
{
    g_autofree char *valid = g_utf8_make_valid(why != NULL ? why : "no reason was given", -1);
    g_free(why);
    for (char *c = valid; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    }
    return g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), MAX_REASON_CHARS));
}
