/* The lanes of a process, started and stopped together. */
#pragma once

#include "chassis/core/lane.h"

typedef struct ChLaneGroup ChLaneGroup;

ChLaneGroup *ch_lane_group_new(void);

/** Makes a lane from @config; the group owns it. Returns it, borrowed. */
ChLane *ch_lane_group_add(ChLaneGroup *group, const ChLaneConfig *config);

/** Starts them in the order they were added. Errors: as ch_lane_start(). */
CH_MUST_CHECK bool ch_lane_group_start(ChLaneGroup *group, GError **error);

/** Asks all to stop and waits for them. False when one still runs at @deadline_us
 * (ch_time_monotonic_us): it is named in the log, and the process must exit without freeing. */
CH_MUST_CHECK bool ch_lane_group_stop(ChLaneGroup *group, int64_t deadline_us);

/** Stops what still runs, then frees the lanes. NULL is fine. */
void ch_lane_group_free(ChLaneGroup *group);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChLaneGroup, ch_lane_group_free)
