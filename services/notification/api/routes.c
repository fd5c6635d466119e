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

enum {
    SCOPE_TEMPLATES_READ = 1,
    SCOPE_TEMPLATES_WRITE,
    SCOPE_LOG_READ,
    SCOPE_SUBSCRIPTIONS_READ,
    SCOPE_SUBSCRIPTIONS_WRITE,
    SCOPE_UNLIMITED, /* not held to the limits of customers */
};

static const char *const scope_names[] = {
    [SCOPE_TEMPLATES_READ] = "templates:read",
    [SCOPE_TEMPLATES_WRITE] = "templates:write",
    [SCOPE_LOG_READ] = "notifications:read",
    [SCOPE_SUBSCRIPTIONS_READ] = "subscriptions:read",
    [SCOPE_SUBSCRIPTIONS_WRITE] = "subscriptions:write",
    [SCOPE_UNLIMITED] = "limits:none",
};

/* The part of the notification service in docs/security.md. */
static const ChRole roles[] = {
    { "support", CH_SCOPE(SCOPE_TEMPLATES_READ) | CH_SCOPE(SCOPE_LOG_READ) },
    { "operator", CH_SCOPE(SCOPE_LOG_READ) },
    { "shop", CH_SCOPE(SCOPE_UNLIMITED) },
    { "merchandiser", CH_SCOPE(SCOPE_TEMPLATES_READ) | CH_SCOPE(SCOPE_TEMPLATES_WRITE) |
                          CH_SCOPE(SCOPE_UNLIMITED) },
    { "admin", CH_SCOPE(SCOPE_TEMPLATES_READ) | CH_SCOPE(SCOPE_TEMPLATES_WRITE) |
                   CH_SCOPE(SCOPE_LOG_READ) | CH_SCOPE(SCOPE_SUBSCRIPTIONS_READ) |
                   CH_SCOPE(SCOPE_SUBSCRIPTIONS_WRITE) | CH_SCOPE(SCOPE_UNLIMITED) },
};

static const ChScopes scopes = {
    .names = scope_names,
    .names_n = G_N_ELEMENTS(scope_names),
    .roles = roles,
    .roles_n = G_N_ELEMENTS(roles),
    .unlimited = SCOPE_UNLIMITED,
};

static const ChHttpRoute routes[] = {
    { "GET", TEMPLATES, "listNotificationTemplates", NOTIFICATION_LISTS, 0,
      notification_api_list_templates, "cursor, limit", SCOPE_TEMPLATES_READ },
    { "GET", TEMPLATE, "getNotificationTemplate", NOTIFICATION_READS, 0,
      notification_api_get_template, "", SCOPE_TEMPLATES_READ },
    { "POST", TEMPLATE "/preview", "previewNotificationTemplate", NOTIFICATION_READS,
      CH_HTTP_LARGE_BODY, notification_api_preview_template, "", SCOPE_TEMPLATES_READ },
    { "POST", TEMPLATES "/preview", "previewNotificationDraft", NOTIFICATION_READS,
      CH_HTTP_LARGE_BODY, notification_api_preview_draft, "", SCOPE_TEMPLATES_READ },
    { "GET", TEMPLATE "/versions", "listNotificationTemplateVersions", NOTIFICATION_LISTS, 0,
      notification_api_list_versions, "createdAfter, createdBefore, cursor, limit, sort",
      SCOPE_TEMPLATES_READ },
    { "GET", TEMPLATE "/versions/{version}", "getNotificationTemplateVersion", NOTIFICATION_READS,
      0, notification_api_get_version, "", SCOPE_TEMPLATES_READ },
    { "POST", TEMPLATES, "createNotificationTemplate", NOTIFICATION_WRITES, CH_HTTP_LARGE_BODY,
      notification_api_create_template, "", SCOPE_TEMPLATES_WRITE },
    { "PUT", TEMPLATE, "updateNotificationTemplate", NOTIFICATION_WRITES, CH_HTTP_LARGE_BODY,
      notification_api_update_template, "force", SCOPE_TEMPLATES_WRITE },
    { "DELETE", TEMPLATE, "deleteNotificationTemplate", NOTIFICATION_WRITES, 0,
      notification_api_delete_template, "force", SCOPE_TEMPLATES_WRITE },
    { "GET", "/api/notifications", "listNotifications", NOTIFICATION_LISTS, 0,
      notification_api_list_log,
      "createdAfter, createdBefore, cursor, orderId, limit, sort, status", SCOPE_LOG_READ },
    { "GET", SUBSCRIPTIONS, "listSubscriptions", NOTIFICATION_LISTS, 0,
      notification_api_list_subscriptions, "cursor, limit", SCOPE_SUBSCRIPTIONS_READ },
    { "POST", SUBSCRIPTIONS, "createSubscription", NOTIFICATION_WRITES, 0,
      notification_api_create_subscription, "", SCOPE_SUBSCRIPTIONS_WRITE },
    { "GET", SUBSCRIPTION, "getSubscription", NOTIFICATION_READS, 0,
      notification_api_get_subscription, "", SCOPE_SUBSCRIPTIONS_READ },
    { "PUT", SUBSCRIPTION, "updateSubscription", NOTIFICATION_WRITES, 0,
      notification_api_update_subscription, "", SCOPE_SUBSCRIPTIONS_WRITE },
    { "DELETE", SUBSCRIPTION, "deleteSubscription", NOTIFICATION_WRITES, 0,
      notification_api_delete_subscription, "", SCOPE_SUBSCRIPTIONS_WRITE },
    { "GET", SUBSCRIPTION "/deliveries", "listSubscriptionDeliveries", NOTIFICATION_LISTS, 0,
      notification_api_list_webhooks, "createdAfter, createdBefore, cursor, limit, sort",
      SCOPE_SUBSCRIPTIONS_READ },
};

const ChHttpRouteTable notification_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
    .scopes = &scopes,
};
