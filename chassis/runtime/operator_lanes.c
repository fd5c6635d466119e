/* Three lanes, a session each. */
#include "chassis/runtime/operator_lanes.h"

enum {
    AT_ONCE = 1, /* each may be much work: a piece of a person, a list of failures */
};

struct ChOperatorLanes {
    ChPg *erasure_pg;
    ChPg *failure_pg;
    ChPg *control_pg;
    ChErasure *erasure;
    ChFailureGroups *failures;
    ChControlDesk *controls;
};

ChOperatorLanes *ch_operator_lanes_new(const ChPgConfig *session, const ChErasurePart *parts,
                                       size_t n)
{
    ChOperatorLanes *lanes = g_new0(ChOperatorLanes, 1);
    lanes->erasure_pg = ch_api_connection(session, NULL, false);
    lanes->failure_pg = ch_api_connection(session, NULL, false);
    lanes->control_pg = ch_api_connection(session, NULL, false);
    lanes->erasure = ch_erasure_new(lanes->erasure_pg, parts, n);
    lanes->failures = ch_failure_groups_new(lanes->failure_pg);
    lanes->controls = ch_control_desk_new(lanes->control_pg);
    return lanes;
}

void ch_operator_lanes_free(ChOperatorLanes *lanes)
{
    if (lanes == NULL)
        return;
    ch_control_desk_free(lanes->controls);
    ch_failure_groups_free(lanes->failures);
    ch_erasure_free(lanes->erasure);
    ch_pg_free(lanes->control_pg);
    ch_pg_free(lanes->failure_pg);
    ch_pg_free(lanes->erasure_pg);
    g_free(lanes);
}

void ch_operator_lanes_bind(ChOperatorLanes *lanes, ChApi *api, int erasures, int failures,
                            int controls)
{
    ch_api_lane(api, erasures, AT_ONCE, lanes->erasure_pg,
                CH_API_CONTEXT(ChErasure, lanes->erasure));
    ch_api_lane(api, failures, AT_ONCE, lanes->failure_pg,
                CH_API_CONTEXT(ChFailureGroups, lanes->failures));
    ch_api_lane(api, controls, CH_API_LIST_BATCH, lanes->control_pg,
                CH_API_CONTEXT(ChControlDesk, lanes->controls));
}
