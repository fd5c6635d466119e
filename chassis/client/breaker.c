/* Circuit breaker. */
#include "chassis/client/breaker.h"

#include <glib.h>

ChBreaker ch_breaker_new(int failures_to_open, int64_t open_us)
{
    g_assert(failures_to_open > 0);
    return (ChBreaker){ .failures_to_open = failures_to_open,
                        .open_us = open_us,
                        .state = CH_BREAKER_CLOSED };
}

bool ch_breaker_allow(ChBreaker *breaker, int64_t now_us)
{
    switch (breaker->state) {
    case CH_BREAKER_CLOSED:
        return true;
    case CH_BREAKER_HALF_OPEN:
        return false; /* its probe is under way */
    case CH_BREAKER_OPEN:
        break;
    }
    if (now_us - breaker->opened_us < breaker->open_us)
        return false;
    breaker->state = CH_BREAKER_HALF_OPEN;
    return true;
}

void ch_breaker_success(ChBreaker *breaker)
{
    breaker->state = CH_BREAKER_CLOSED;
    breaker->failures = 0;
}

void ch_breaker_failure(ChBreaker *breaker, int64_t now_us)
{
    breaker->failures++;
    if (breaker->state == CH_BREAKER_OPEN)
        return; /* of a call made before it opened */
    if (breaker->state == CH_BREAKER_HALF_OPEN || breaker->failures >= breaker->failures_to_open) {
        breaker->state = CH_BREAKER_OPEN;
        breaker->opened_us = now_us;
    }
}

void ch_breaker_cancel(ChBreaker *breaker)
{
    if (breaker->state == CH_BREAKER_HALF_OPEN)
        breaker->state = CH_BREAKER_OPEN; /* since long enough ago for the next probe */
}
