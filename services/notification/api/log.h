/* The ChHttpHandlers for the logs; the context is the NotificationLists. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/notifications */
bool notification_api_list_log(void *lists, ChHttpRequest *const *requests, size_t n,
                               GError **error);

/** GET /api/audit */
bool notification_api_list_audit(void *lists, ChHttpRequest *const *requests, size_t n,
                                 GError **error);
