/* What operators ask of every service's API, the same in each: erasing a customer, failures with
 * their replay jobs, dead letters one by one and in pieces, and pausing. Four lanes that seldom
 * have work, and their routes (docs/contract.md, 2.7). Each service names them in its own table, by
 * its prefix: its lanes <PREFIX>_ERASURES, _FAILURES, _LETTERS and _CONTROLS, its scopes
 * <PREFIX>_SCOPE_PRIVACY, _DEAD_LETTERS, _EDIT_LETTERS and _CONTROLS. */
#pragma once

#include "chassis/messaging/erasure.h"
#include "chassis/runtime/api.h"
#include "chassis/runtime/control_api.h"
#include "chassis/runtime/erasure_api.h"
#include "chassis/runtime/failure_api.h"
#include "chassis/runtime/letter_edit_api.h"
#include "chassis/runtime/letter_transfer_api.h"
#include "chassis/runtime/replay_api.h"

/* clang-format off */

/** Their rows of a table of lanes. */
#define CH_OPERATOR_LANES(prefix)                                                                  \
    [prefix##_ERASURES] = { "erasures", "ChErasure" },                                             \
    [prefix##_FAILURES] = { "failures", "ChFailureGroups" },                                       \
    [prefix##_LETTERS] = { "letters", "ChDeadLetterAdmin" },                                       \
    [prefix##_CONTROLS] = { "controls", "ChControlDesk" }

/** Their rows of a table of routes. */
#define CH_OPERATOR_ROUTES(prefix)                                                                 \
    { "POST", "/api/customers/{id}/erase", "eraseCustomer", prefix##_ERASURES, 0,                  \
      ch_erasure_api, "", prefix##_SCOPE_PRIVACY },                                                \
    { "GET", "/api/failure-groups", "listFailureGroups", prefix##_FAILURES, 0,                     \
      ch_failure_api_list, CH_FAILURE_QUERY, prefix##_SCOPE_DEAD_LETTERS },                        \
    { "POST", "/api/failure-groups/{id}/close", "closeFailureGroup", prefix##_FAILURES, 0,         \
      ch_failure_api_close, "", prefix##_SCOPE_DEAD_LETTERS },                                     \
    { "GET", "/api/replay-jobs", "listReplayJobs", prefix##_FAILURES, 0, ch_replay_api_list,       \
      CH_REPLAY_QUERY, prefix##_SCOPE_DEAD_LETTERS },                                              \
    { "POST", "/api/replay-jobs", "makeReplayJob", prefix##_FAILURES, 0, ch_replay_api_make, "",   \
      prefix##_SCOPE_DEAD_LETTERS },                                                               \
    { "GET", "/api/replay-jobs/{id}", "getReplayJob", prefix##_FAILURES, 0, ch_replay_api_show,    \
      "", prefix##_SCOPE_DEAD_LETTERS },                                                           \
    { "GET", "/api/replay-jobs/{id}/refusals", "listReplayRefusals", prefix##_FAILURES, 0,         \
      ch_replay_api_refusals, CH_REPLAY_REFUSALS_QUERY, prefix##_SCOPE_DEAD_LETTERS },             \
    { "GET", "/api/replay-jobs/{id}/trials", "listReplayTrials", prefix##_FAILURES, 0,             \
      ch_replay_api_trials, CH_REPLAY_REFUSALS_QUERY, prefix##_SCOPE_DEAD_LETTERS },               \
    { "POST", "/api/replay-jobs/{id}/pause", "pauseReplayJob", prefix##_FAILURES, 0,               \
      ch_replay_api_pause, "", prefix##_SCOPE_DEAD_LETTERS },                                      \
    { "POST", "/api/replay-jobs/{id}/resume", "resumeReplayJob", prefix##_FAILURES, 0,             \
      ch_replay_api_resume, "", prefix##_SCOPE_DEAD_LETTERS },                                     \
    { "POST", "/api/replay-jobs/{id}/cancel", "cancelReplayJob", prefix##_FAILURES, 0,             \
      ch_replay_api_cancel, "", prefix##_SCOPE_DEAD_LETTERS },                                     \
    { "GET", "/api/dead-letters", "exportDeadLetters", prefix##_LETTERS, 0, ch_letter_api_export,  \
      CH_LETTER_EXPORT_QUERY, prefix##_SCOPE_DEAD_LETTERS },                                       \
    { "POST", "/api/dead-letters/import", "importDeadLetters", prefix##_LETTERS,                   \
      CH_HTTP_PIECE | CH_HTTP_NDJSON, ch_letter_api_import, "", prefix##_SCOPE_EDIT_LETTERS },     \
    { "GET", "/api/dead-letters/{id}", "getDeadLetter", prefix##_LETTERS, 0, ch_letter_api_show,   \
      "", prefix##_SCOPE_DEAD_LETTERS },                                                           \
    { "POST", "/api/dead-letters/{id}/edit", "editDeadLetter", prefix##_LETTERS,                   \
      CH_HTTP_LARGE_BODY, ch_letter_api_edit, "", prefix##_SCOPE_EDIT_LETTERS },                   \
    { "GET", "/api/controls", "listControls", prefix##_CONTROLS, 0, ch_control_api_list, "",       \
      prefix##_SCOPE_CONTROLS },                                                                   \
    { "POST", "/api/controls/{name}/pause", "pauseControl", prefix##_CONTROLS, 0,                  \
      ch_control_api_pause, "", prefix##_SCOPE_CONTROLS },                                         \
    { "POST", "/api/controls/{name}/resume", "resumeControl", prefix##_CONTROLS, 0,                \
      ch_control_api_resume, "", prefix##_SCOPE_CONTROLS }

/* clang-format on */

typedef struct ChOperatorLanes ChOperatorLanes;

/** The three lanes' sessions (see ch_api_connection()) and what their handlers get. @parts[0..n):
 * what this service holds of a customer beside what every service does
 * (chassis/messaging/erasure.h). Borrows all. */
ChOperatorLanes *ch_operator_lanes_new(const ChPgConfig *session, const ChErasurePart *parts,
                                       size_t n);

/** After the API that they are bound to. NULL is fine. */
void ch_operator_lanes_free(ChOperatorLanes *lanes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChOperatorLanes, ch_operator_lanes_free)

/** The connection of the lane of letters, for the stores by which letters are judged. */
ChPg *ch_operator_lanes_letters_pg(ChOperatorLanes *lanes);

/** What the service's worker consumes, by which letters are judged: no more than @consumers'
 * .decode and .replay_blockers is asked, and nothing is consumed here. Copies @consumers, borrows
 * what they point to; their contexts are of ch_operator_lanes_letters_pg(). Once, before they are
 * bound.
 * @inbox_retention_ms: the worker's. */
void ch_operator_lanes_judge(ChOperatorLanes *lanes, const ChSubscriptionConfig *consumers,
                             size_t n, int64_t inbox_retention_ms);

/** The lanes of a service's table. */
typedef struct {
    int erasures, failures, letters, controls;
} ChOperatorLaneNumbers;

/** Binds them to these lanes of @api's table. Once. */
void ch_operator_lanes_bind(ChOperatorLanes *lanes, ChApi *api, ChOperatorLaneNumbers numbers);

/** The same by the service's prefix. */
#define CH_OPERATOR_LANES_BIND(lanes, api, prefix)                                                 \
    ch_operator_lanes_bind(lanes, api,                                                             \
                           (ChOperatorLaneNumbers){ prefix##_ERASURES, prefix##_FAILURES,          \
                                                    prefix##_LETTERS, prefix##_CONTROLS })
