/* Replay jobs over HTTP, the same in every service (docs/contract.md, 2.7). Handlers of a lane
 * whose context is a ChFailureGroups. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/failure_groups.h"

/** GET and POST /api/replay-jobs */
bool ch_replay_api_list(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);
bool ch_replay_api_make(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);

/** GET /api/replay-jobs/{id}, and its /refusals and /trials */
bool ch_replay_api_show(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);
bool ch_replay_api_refusals(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);
bool ch_replay_api_trials(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/replay-jobs/{id}/pause, resume, cancel */
bool ch_replay_api_pause(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);
bool ch_replay_api_resume(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);
bool ch_replay_api_cancel(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);

/** The parameters that the lists know, for the table of routes. */
#define CH_REPLAY_QUERY "cursor, limit, queue, sort, state"
#define CH_REPLAY_REFUSALS_QUERY "cursor, limit, sort"
