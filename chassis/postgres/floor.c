/* The floor follows the oldest row that was claimed, down as well as up. */
#include "chassis/postgres/floor.h"

#include "chassis/core/time.h"

#include <glib.h>

enum {
    SLACK_US = 2000 * 1000, /* so far apart may rows of one moment be committed: longer than a batch
                             * takes, on a busy machine too */
    WHOLE_PERIOD_US = 1000 * 1000,
    WHOLE_LATEST_US = 3000 * 1000, /* however long one took: it may have waited, not worked */
    WHOLE_PARTS = 20,              /* else one part of the time for them, at most */
};

int64_t ch_pg_floor_begin(ChPgFloor *floor)
{
    floor->started_us = ch_time_monotonic_us();
    floor->whole = floor->started_us >= floor->whole_due_us;
    return floor->whole ? 0 : floor->floor_us;
}

void ch_pg_floor_end(ChPgFloor *floor, int64_t oldest_us)
{
    if (oldest_us == 0 && floor->floor_us == 0)
        oldest_us = ch_time_now_us();
    if (oldest_us != 0)
        floor->floor_us = oldest_us - SLACK_US;
    if (floor->whole)
        floor->whole_due_us =
            CLAMP(ch_time_again_us(floor->started_us, WHOLE_PARTS),
                  floor->started_us + WHOLE_PERIOD_US, ch_time_monotonic_us() + WHOLE_LATEST_US);
}
