/* Groups of failures over HTTP, the same in every service (docs/operations.md, Dead letters).
 * Handlers of a lane whose context is a ChFailureGroups. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/failure_groups.h"

/** GET /api/failure-groups */
bool ch_failure_api_list(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);

/** The parameters that it knows, for the table of routes. */
#define CH_FAILURE_QUERY "cursor, limit, queue, sort, state"

/** POST /api/failure-groups/{id}/close */
bool ch_failure_api_close(void *groups, ChHttpRequest *const *requests, size_t n, GError **error);
