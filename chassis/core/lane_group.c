/* A list of lanes. */
#include "chassis/core/lane_group.h"

#include "chassis/core/log.h"

struct ChLaneGroup {
    GPtrArray *lanes; /* ChLane *, owned */
};

static void free_lane(gpointer lane)
{
    ch_lane_free(lane);
}

ChLaneGroup *ch_lane_group_new(void)
{
    ChLaneGroup *group = g_new0(ChLaneGroup, 1);
    group->lanes = g_ptr_array_new_with_free_func(free_lane);
    return group;
}

ChLane *ch_lane_group_add(ChLaneGroup *group, const ChLaneConfig *config)
{
    ChLane *lane = ch_lane_new(config);
    g_ptr_array_add(group->lanes, lane);
    return lane;
}

bool ch_lane_group_start(ChLaneGroup *group, GError **error)
{
    for (guint i = 0; i < group->lanes->len; i++) {
        if (!ch_lane_start(g_ptr_array_index(group->lanes, i), error))
            return false;
    }
    return true;
}

bool ch_lane_group_stop(ChLaneGroup *group, int64_t deadline_us)
{
    bool all = true;
    for (guint i = 0; i < group->lanes->len; i++)
        ch_lane_stop(g_ptr_array_index(group->lanes, i));
    for (guint i = 0; i < group->lanes->len; i++) {
        ChLane *lane = g_ptr_array_index(group->lanes, i);
        if (ch_lane_join(lane, deadline_us))
            continue;
        ch_log_warning("a lane did not stop in time", CH_STR("lane", ch_lane_name(lane)));
        all = false;
    }
    return all;
}

void ch_lane_group_free(ChLaneGroup *group)
{
    if (group == NULL)
        return;
    bool ended = ch_lane_group_stop(group, G_MAXINT64);
    g_assert(ended);
    g_ptr_array_unref(group->lanes);
    g_free(group);
}
