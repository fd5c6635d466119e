/* ChHttpHandlers that change templates; the context is the lane's NotificationWrites. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/notificationtemplates */
bool notification_api_create_template(void *writes, ChHttpRequest *const *requests, size_t n,
                                      GError **error);

/** PUT /api/notificationtemplates/{id} */
bool notification_api_update_template(void *writes, ChHttpRequest *const *requests, size_t n,
                                      GError **error);

/** DELETE /api/notificationtemplates/{id} */
bool notification_api_delete_template(void *writes, ChHttpRequest *const *requests, size_t n,
                                      GError **error);
