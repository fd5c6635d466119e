/* A ChHttpHandler that tells the story of an order; its context is the lane's OrderLists. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/orders/{id}/timeline */
bool order_api_timeline(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);
