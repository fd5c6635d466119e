/* Four lanes, a session each. */
#include "chassis/runtime/operator_lanes.h"

enum {
    AT_ONCE = 1, /* each may be much work: a piece of a person or of letters, a list of failures */
};

struct ChOperatorLanes {
    ChPg *erasure_pg;
    ChPg *failure_pg;
    ChPg *letter_pg;
    ChPg *control_pg;
    ChErasure *erasure;
    ChFailureGroups *failures;
    ChDeadLetterAdmin letters; /* owns its consumers */
    ChControlDesk *controls;
};

ChOperatorLanes *ch_operator_lanes_new(const ChPgConfig *session, const ChErasurePart *parts,
                                       size_t n)
{
    ChOperatorLanes *lanes = g_new0(ChOperatorLanes, 1);
    lanes->erasure_pg = ch_api_connection(session, NULL, false);
    lanes->failure_pg = ch_api_connection(session, NULL, false);
    lanes->letter_pg = ch_api_connection(session, NULL, false);
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
    g_free((void *)lanes->letters.consumers);
    ch_pg_free(lanes->control_pg);
    ch_pg_free(lanes->letter_pg);
    ch_pg_free(lanes->failure_pg);
    ch_pg_free(lanes->erasure_pg);
    g_free(lanes);
}

ChPg *ch_operator_lanes_letters_pg(ChOperatorLanes *lanes)
{
    return lanes->letter_pg;
}

void ch_operator_lanes_judge(ChOperatorLanes *lanes, const ChSubscriptionConfig *consumers,
                             size_t n, int64_t inbox_retention_ms)
{
    lanes->letters = (ChDeadLetterAdmin){
        .pg = lanes->letter_pg,
        .consumers = g_memdup2(consumers, n * sizeof *consumers),
        .consumers_n = n,
        .inbox_retention_ms = inbox_retention_ms,
    };
}

void ch_operator_lanes_bind(ChOperatorLanes *lanes, ChApi *api, ChOperatorLaneNumbers numbers)
{
    g_assert(lanes->letters.consumers != NULL);
    ch_api_lane(api, numbers.erasures, AT_ONCE, lanes->erasure_pg,
                CH_API_CONTEXT(ChErasure, lanes->erasure));
    ch_api_lane(api, numbers.failures, AT_ONCE, lanes->failure_pg,
                CH_API_CONTEXT(ChFailureGroups, lanes->failures));
    ch_api_lane(api, numbers.letters, AT_ONCE, lanes->letter_pg,
                CH_API_CONTEXT(ChDeadLetterAdmin, &lanes->letters));
    ch_api_lane(api, numbers.controls, CH_API_LIST_BATCH, lanes->control_pg,
                CH_API_CONTEXT(ChControlDesk, lanes->controls));
}
