/* Which page of a list: what every list is asked for, whatever its rows are. */
#pragma once

#include "chassis/core/time.h"
#include "chassis/core/uuid.h"

#include <stdbool.h>
#include <stdint.h>

/** Of a list in the order of its ids, which are of version 7 where it has times. */
typedef struct {
    int64_t rows;        /* at most, 1 or more */
    bool has_last;       /* there was a page before this one ... */
    ChUuid last;         /* ... and it ended at this id */
    bool oldest_first;   /* else the newest is the first */
    ChTimeRange created; /* CH_TIME_ALWAYS: whenever */
} ChPage;

/** The ids of the page, of a list that goes by time, lie above *after and below *before. The bounds
 * leave room for clocks that differ, see ch_uuid_range(): who reads looks at the times too. */
void ch_page_bounds(const ChPage *page, ChUuid *after, ChUuid *before);
