/* POST /api/customers/{id}/erase, the same in every service (docs/security.md, Personal data). */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/erasure.h"

/** A ChHttpHandler of a lane whose context is a ChErasure, for a route with the parameter "id":
 * erases one piece, and answers 200 when nothing is left, 202 when it is to be asked again. */
bool ch_erasure_api(void *erasure, ChHttpRequest *const *requests, size_t n, GError **error);
