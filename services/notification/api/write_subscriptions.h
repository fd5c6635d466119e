/* ChHttpHandlers that change subscriptions; the context is the lane's NotificationWrites. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/subscriptions */
bool notification_api_create_subscription(void *writes, ChHttpRequest *const *requests, size_t n,
                                          GError **error);

/** PUT /api/subscriptions/{id} */
bool notification_api_update_subscription(void *writes, ChHttpRequest *const *requests, size_t n,
                                          GError **error);

/** DELETE /api/subscriptions/{id} */
bool notification_api_delete_subscription(void *writes, ChHttpRequest *const *requests, size_t n,
                                          GError **error);
