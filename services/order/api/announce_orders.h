/* Announcing an order again over HTTP. A handler of a lane whose context is an OrderWrites. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/orders/{id}/announce */
bool order_api_announce(void *writes, ChHttpRequest *const *requests, size_t n, GError **error);
