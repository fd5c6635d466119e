/* ChHttpHandlers for templates; the context is the lane's NotificationTemplateStore. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/notificationtemplates */
bool notification_api_list_templates(void *store, ChHttpRequest *const *requests, size_t n,
                                     GError **error);

/** GET /api/notificationtemplates/{id} */
bool notification_api_get_template(void *store, ChHttpRequest *const *requests, size_t n,
                                   GError **error);

/** POST /api/notificationtemplates/{id}/preview */
bool notification_api_preview_template(void *store, ChHttpRequest *const *requests, size_t n,
                                       GError **error);

/** POST /api/notificationtemplates */
bool notification_api_create_template(void *store, ChHttpRequest *const *requests, size_t n,
                                      GError **error);

/** PUT /api/notificationtemplates/{id} */
bool notification_api_update_template(void *store, ChHttpRequest *const *requests, size_t n,
                                      GError **error);

/** DELETE /api/notificationtemplates/{id} */
bool notification_api_delete_template(void *store, ChHttpRequest *const *requests, size_t n,
                                      GError **error);
