/* ChHttpHandlers that change templates; the context is the lane's NotificationTemplateStore. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/notificationtemplates */
bool notification_api_create_template(void *store, ChHttpRequest *const *requests, size_t n,
                                      GError **error);

/** PUT /api/notificationtemplates/{id} */
bool notification_api_update_template(void *store, ChHttpRequest *const *requests, size_t n,
                                      GError **error);

/** DELETE /api/notificationtemplates/{id} */
bool notification_api_delete_template(void *store, ChHttpRequest *const *requests, size_t n,
                                      GError **error);
