/* Which path leads to which handler. */
#include "notification/api/routes.h"

#include "notification/api/log.h"
#include "notification/api/read_subscriptions.h"
#include "notification/api/read_templates.h"
#include "notification/api/write_subscriptions.h"
#include "notification/api/write_templates.h"

#define TEMPLATES "/api/notificationtemplates"
#define TEMPLATE TEMPLATES "/{id}"
#define SUBSCRIPTIONS "/api/subscriptions"
#define SUBSCRIPTION SUBSCRIPTIONS "/{id}"

/* What may be large waits for no single template, and no single template for it. */
static const ChHttpLaneKind lanes[] = {
    [NOTIFICATION_WRITES] = { "writes", "NotificationWrites" },
    [NOTIFICATION_READS] = { "reads", "NotificationReads" },
    [NOTIFICATION_LISTS] = { "lists", "NotificationLists" },
};

static const ChHttpRoute routes[] = {
    { "GET", TEMPLATES, "listNotificationTemplates", NOTIFICATION_LISTS, 0,
      notification_api_list_templates, "cursor, limit" },
    { "GET", TEMPLATE, "getNotificationTemplate", NOTIFICATION_READS, 0,
      notification_api_get_template, "" },
    { "POST", TEMPLATE "/preview", "previewNotificationTemplate", NOTIFICATION_READS,
      CH_HTTP_LARGE_BODY, notification_api_preview_template, "" },
    { "POST", TEMPLATES "/preview", "previewNotificationDraft", NOTIFICATION_READS,
      CH_HTTP_LARGE_BODY, notification_api_preview_draft, "" },
    { "GET", TEMPLATE "/versions", "listNotificationTemplateVersions", NOTIFICATION_LISTS, 0,
      notification_api_list_versions, "cursor, limit" },
    { "GET", TEMPLATE "/versions/{version}", "getNotificationTemplateVersion", NOTIFICATION_READS,
      0, notification_api_get_version, "" },
    { "POST", TEMPLATES, "createNotificationTemplate", NOTIFICATION_WRITES, CH_HTTP_LARGE_BODY,
      notification_api_create_template, "" },
    { "PUT", TEMPLATE, "updateNotificationTemplate", NOTIFICATION_WRITES, CH_HTTP_LARGE_BODY,
      notification_api_update_template, "force" },
    { "DELETE", TEMPLATE, "deleteNotificationTemplate", NOTIFICATION_WRITES, 0,
      notification_api_delete_template, "force" },
    { "GET", "/api/notifications", "listNotifications", NOTIFICATION_LISTS, 0,
      notification_api_list_log, "createdAfter, createdBefore, cursor, orderId, limit, status" },
    { "GET", SUBSCRIPTIONS, "listSubscriptions", NOTIFICATION_LISTS, 0,
      notification_api_list_subscriptions, "cursor, limit" },
    { "POST", SUBSCRIPTIONS, "createSubscription", NOTIFICATION_WRITES, 0,
      notification_api_create_subscription, "" },
    { "GET", SUBSCRIPTION, "getSubscription", NOTIFICATION_READS, 0,
      notification_api_get_subscription, "" },
    { "PUT", SUBSCRIPTION, "updateSubscription", NOTIFICATION_WRITES, 0,
      notification_api_update_subscription, "" },
    { "DELETE", SUBSCRIPTION, "deleteSubscription", NOTIFICATION_WRITES, 0,
      notification_api_delete_subscription, "" },
    { "GET", SUBSCRIPTION "/deliveries", "listSubscriptionDeliveries", NOTIFICATION_LISTS, 0,
      notification_api_list_webhooks, "cursor, limit" },
};

const ChHttpRouteTable notification_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
};
