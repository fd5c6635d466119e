/* One dead letter over HTTP, the same in every service: looking at it, and editing it
 * (docs/contract.md, 2.7). Handlers of a lane whose context is a ChDeadLetterAdmin. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/dead_letter_edit.h"

/** GET /api/dead-letters/{id} */
bool ch_letter_api_show(void *admin, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/dead-letters/{id}/edit */
bool ch_letter_api_edit(void *admin, ChHttpRequest *const *requests, size_t n, GError **error);
