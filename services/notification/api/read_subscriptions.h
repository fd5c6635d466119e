/* ChHttpHandlers that show subscriptions; the context is the lane's: NotificationReads of a single
 * one, NotificationLists of many. */
#pragma once

#include "chassis/http/request.h"

/** GET /api/subscriptions/{id} */
bool notification_api_get_subscription(void *reads, ChHttpRequest *const *requests, size_t n,
                                       GError **error);

/** GET /api/subscriptions */
bool notification_api_list_subscriptions(void *lists, ChHttpRequest *const *requests, size_t n,
                                         GError **error);

/** GET /api/subscriptions/{id}/deliveries */
bool notification_api_list_webhooks(void *lists, ChHttpRequest *const *requests, size_t n,
                                    GError **error);
