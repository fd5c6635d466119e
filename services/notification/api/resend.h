/* Sending again over HTTP; the context is the NotificationWrites. */
#pragma once

#include "chassis/http/request.h"

/** POST /api/notifications/{id}/resend */
bool notification_api_resend(void *writes, ChHttpRequest *const *requests, size_t n,
                             GError **error);
