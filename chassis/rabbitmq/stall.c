/* When to look, and what to make of it. */
#include "chassis/rabbitmq/stall.h"

enum {
    LOOK_AFTER_MS = 10000, /* without a delivery: a round trip in so long costs nothing */
    LOOK_AGAIN_MS = 2000,  /* what was ready had time to come */
};

static int64_t in_ms(int64_t now_us, int ms)
{
    return now_us + INT64_C(1000) * ms;
}

void ch_stall_none(ChStall *stall, int64_t now_us)
{
    *stall = (ChStall){ .look_us = in_ms(now_us, LOOK_AFTER_MS) };
}

bool ch_stall_should_look(const ChStall *stall, int64_t now_us)
{
    return now_us >= stall->look_us;
}

bool ch_stall_looked(ChStall *stall, int64_t now_us, int64_t ready)
{
    bool stalled = ready > 0 && stall->suspected;
    stall->suspected = ready > 0 && !stalled;
    stall->look_us = in_ms(now_us, stall->suspected ? LOOK_AGAIN_MS : LOOK_AFTER_MS);
    return stalled;
}
