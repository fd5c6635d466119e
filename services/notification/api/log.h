/* The ChHttpHandlers for the logs; the context is the NotificationLists. */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/http/request.h"

/** Writes one row of the log, a NotificationEntry; returns its id. */
ChUuid notification_api_write_entry(GString *json, const void *entry);

/** GET /api/notifications */
bool notification_api_list_log(void *lists, ChHttpRequest *const *requests, size_t n,
                               GError **error);

/** GET /api/audit */
bool notification_api_list_audit(void *lists, ChHttpRequest *const *requests, size_t n,
                                 GError **error);
