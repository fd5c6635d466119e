/* The ChHttpHandler for the log; the context is the NotificationReads. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/notifications */
bool notification_api_list_log(void *reads, ChHttpRequest *const *requests, size_t n,
                               GError **error);
