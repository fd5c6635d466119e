/* A ChHttpHandler that tells what the customer of an order was told; its context is the
 * NotificationLists. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/notifications/orders/{id} */
bool notification_api_order(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);
