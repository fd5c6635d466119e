/* Subscriptions and their webhooks as clients write and see them. */
#pragma once

#include "chassis/http/request.h"
#include "notification/application/subscriptions.h"

/** The subscription in the body of @request, to be stored as @id; NULL when it is not valid: then
 * the request was answered. */
NotificationSubscription *notification_api_read_subscription(ChHttpRequest *request, ChUuid id);

/** Writes @subscription as a JSON value; its secret only when @secret is not NULL. */
void notification_api_write_subscription(GString *json,
                                         const NotificationSubscription *subscription,
                                         const char *secret);

/** Writes one line of the log of webhooks as a JSON value. */
void notification_api_write_webhook(GString *json, const NotificationWebhookEntry *entry);

/** 404. */
void notification_api_respond_no_subscription(ChHttpRequest *request);
