/* The longest pause that was asked for. */
#include "chassis/client/pause.h"

#include <stdbool.h>

void ch_pause_extend(ChPause *pause, int64_t until_us)
{
    int64_t current_us = atomic_load(&pause->until_us);
    bool done = current_us >= until_us;
    while (!done)
        done = atomic_compare_exchange_weak(&pause->until_us, &current_us, until_us) ||
               current_us >= until_us;
}

int64_t ch_pause_end_us(const ChPause *pause)
{
    return atomic_load(&pause->until_us);
}
