/* Which path leads to which handler. */
#include "notification/api/routes.h"

#include "chassis/runtime/audit.h"
#include "chassis/runtime/operator_lanes.h"
#include "notification/api/log.h"
#include "notification/api/read_order.h"
#include "notification/api/read_subscriptions.h"
#include "notification/api/read_templates.h"
#include "notification/api/resend.h"
#include "notification/api/scopes.h"
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
    CH_OPERATOR_LANES(NOTIFICATION),
};

static const ChHttpRoute routes[] = {
    { "GET", TEMPLATES, "listNotificationTemplates", NOTIFICATION_LISTS, 0,
      notification_api_list_templates, "cursor, limit", NOTIFICATION_SCOPE_TEMPLATES_READ },
    { "GET", TEMPLATE, "getNotificationTemplate", NOTIFICATION_READS, 0,
      notification_api_get_template, "", NOTIFICATION_SCOPE_TEMPLATES_READ },
    { "POST", TEMPLATE "/preview", "previewNotificationTemplate", NOTIFICATION_READS,
      CH_HTTP_LARGE_BODY, notification_api_preview_template, "",
      NOTIFICATION_SCOPE_TEMPLATES_READ },
    { "POST", TEMPLATES "/preview", "previewNotificationDraft", NOTIFICATION_READS,
      CH_HTTP_LARGE_BODY, notification_api_preview_draft, "", NOTIFICATION_SCOPE_TEMPLATES_READ },
    { "GET", TEMPLATE "/versions", "listNotificationTemplateVersions", NOTIFICATION_LISTS, 0,
      notification_api_list_versions, "createdAfter, createdBefore, cursor, limit, sort",
      NOTIFICATION_SCOPE_TEMPLATES_READ },
    { "GET", TEMPLATE "/versions/{version}", "getNotificationTemplateVersion", NOTIFICATION_READS,
      0, notification_api_get_version, "", NOTIFICATION_SCOPE_TEMPLATES_READ },
    { "POST", TEMPLATES, "createNotificationTemplate", NOTIFICATION_WRITES, CH_HTTP_LARGE_BODY,
      notification_api_create_template, "", NOTIFICATION_SCOPE_TEMPLATES_WRITE },
    { "PUT", TEMPLATE, "updateNotificationTemplate", NOTIFICATION_WRITES, CH_HTTP_LARGE_BODY,
      notification_api_update_template, "force", NOTIFICATION_SCOPE_TEMPLATES_WRITE },
    { "DELETE", TEMPLATE, "deleteNotificationTemplate", NOTIFICATION_WRITES, 0,
      notification_api_delete_template, "force", NOTIFICATION_SCOPE_TEMPLATES_WRITE },
    { "GET", "/api/notifications", "listNotifications", NOTIFICATION_LISTS, 0,
      notification_api_list_log,
      "createdAfter, createdBefore, cursor, orderId, limit, sort, status",
      NOTIFICATION_SCOPE_LOG_READ },
    { "GET", "/api/notifications/orders/{id}", "getOrderNotifications", NOTIFICATION_LISTS, 0,
      notification_api_order, "", NOTIFICATION_SCOPE_LOG_READ },
    { "POST", "/api/notifications/{id}/resend", "resendNotification", NOTIFICATION_WRITES, 0,
      notification_api_resend, "", NOTIFICATION_SCOPE_SUPPORT },
    { "GET", SUBSCRIPTIONS, "listSubscriptions", NOTIFICATION_LISTS, 0,
      notification_api_list_subscriptions, "cursor, limit", NOTIFICATION_SCOPE_SUBSCRIPTIONS_READ },
    { "POST", SUBSCRIPTIONS, "createSubscription", NOTIFICATION_WRITES, 0,
      notification_api_create_subscription, "", NOTIFICATION_SCOPE_SUBSCRIPTIONS_WRITE },
    { "GET", SUBSCRIPTION, "getSubscription", NOTIFICATION_READS, 0,
      notification_api_get_subscription, "", NOTIFICATION_SCOPE_SUBSCRIPTIONS_READ },
    { "PUT", SUBSCRIPTION, "updateSubscription", NOTIFICATION_WRITES, 0,
      notification_api_update_subscription, "", NOTIFICATION_SCOPE_SUBSCRIPTIONS_WRITE },
    { "DELETE", SUBSCRIPTION, "deleteSubscription", NOTIFICATION_WRITES, 0,
      notification_api_delete_subscription, "", NOTIFICATION_SCOPE_SUBSCRIPTIONS_WRITE },
    { "GET", SUBSCRIPTION "/deliveries", "listSubscriptionDeliveries", NOTIFICATION_LISTS, 0,
      notification_api_list_webhooks, "createdAfter, createdBefore, cursor, limit, sort",
      NOTIFICATION_SCOPE_SUBSCRIPTIONS_READ },
    CH_OPERATOR_ROUTES(NOTIFICATION),
    { "GET", "/api/audit", "listAudit", NOTIFICATION_LISTS, 0, notification_api_list_audit,
      CH_AUDIT_QUERY, NOTIFICATION_SCOPE_AUDIT },
};

const ChHttpRouteTable notification_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
    .scopes = &notification_scopes,
};
