/* ChHttpHandlers that show templates. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/notificationtemplates; the context is the NotificationLists. */
bool notification_api_list_templates(void *lists, ChHttpRequest *const *requests, size_t n,
                                     GError **error);

/** GET /api/notificationtemplates/{id}; the context of this and the next is the lane's
 * NotificationReads. */
bool notification_api_get_template(void *reads, ChHttpRequest *const *requests, size_t n,
                                   GError **error);

/** POST /api/notificationtemplates/{id}/preview */
bool notification_api_preview_template(void *reads, ChHttpRequest *const *requests, size_t n,
                                       GError **error);

/** POST /api/notificationtemplates/preview; it needs no context. */
bool notification_api_preview_draft(void *reads, ChHttpRequest *const *requests, size_t n,
                                    GError **error);

/** GET /api/notificationtemplates/{id}/versions; the context is the NotificationLists. */
bool notification_api_list_versions(void *lists, ChHttpRequest *const *requests, size_t n,
                                    GError **error);

/** GET /api/notificationtemplates/{id}/versions/{version}; the lane's NotificationReads. */
bool notification_api_get_version(void *reads, ChHttpRequest *const *requests, size_t n,
                                  GError **error);
