/* ChHttpHandlers that show templates; the context is the lane's NotificationReads. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/notificationtemplates */
bool notification_api_list_templates(void *reads, ChHttpRequest *const *requests, size_t n,
                                     GError **error);

/** GET /api/notificationtemplates/{id} */
bool notification_api_get_template(void *reads, ChHttpRequest *const *requests, size_t n,
                                   GError **error);

/** POST /api/notificationtemplates/{id}/preview */
bool notification_api_preview_template(void *reads, ChHttpRequest *const *requests, size_t n,
                                       GError **error);
