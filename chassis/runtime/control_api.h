/* Pausing and resuming over HTTP, the same in every service (docs/operations.md, Pausing). Handlers
 * of a lane whose context is a ChControlDesk. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/control_desk.h"

/** GET /api/controls */
bool ch_control_api_list(void *desk, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/controls/{name}/pause */
bool ch_control_api_pause(void *desk, ChHttpRequest *const *requests, size_t n, GError **error);

/** POST /api/controls/{name}/resume */
bool ch_control_api_resume(void *desk, ChHttpRequest *const *requests, size_t n, GError **error);
