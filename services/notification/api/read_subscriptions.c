/* Showing subscriptions, and what was sent for them. */
#include "notification/api/read_subscriptions.h"

#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "notification/api/stores.h"
#include "notification/api/subscription_json.h"

/* ---- one ---- */

static void respond_subscription(ChHttpRequest *request,
                                 const NotificationSubscription *subscription)
{
    if (subscription == NULL) {
        notification_api_respond_no_subscription(request);
        return;
    }
    GString *json = g_string_sized_new(512);
    notification_api_write_subscription(json, subscription, NULL);
    ch_http_respond_json(request, 200, json);
}

bool notification_api_get_subscription(void *context, ChHttpRequest *const *requests, size_t n,
                                       GError **error)
{
    NotificationSubscriptionReads *reads = ((const NotificationReads *)context)->subscriptions;
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationSubscription **found = g_new0(NotificationSubscription *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "id", &ids[valid]))
            askers[valid++] = requests[i];
        else
            notification_api_respond_no_subscription(requests[i]);
    }
    if (valid > 0 && !reads->ops->find(reads, ids, valid, found, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        respond_subscription(askers[i], found[i]);
        notification_subscription_free(found[i]);
    }
    return true;
}

/* ---- many ---- */

static ChUuid write_subscription_row(GString *json, const void *row)
{
    const NotificationSubscription *subscription = row;
    notification_api_write_subscription(json, subscription, NULL);
    return subscription->id;
}

static bool read_page(ChHttpRequest *request G_GNUC_UNUSED, const ChPage *page, void *query,
                      ChViolations *violations G_GNUC_UNUSED)
{
    *(ChPage *)query = *page;
    return true;
}

static bool ask_pages(void *context, const void *queries, size_t n, GPtrArray **pages,
                      GError **error)
{
    NotificationSubscriptionReads *reads = ((const NotificationLists *)context)->subscriptions;
    return reads->ops->list(reads, queries, n, pages, error);
}

static const ChHttpList subscriptions_list = {
    .query_bytes = sizeof(ChPage),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_page,
    .ask = ask_pages,
    .write_row = write_subscription_row,
};

bool notification_api_list_subscriptions(void *lists, ChHttpRequest *const *requests, size_t n,
                                         GError **error)
{
    return ch_http_list(&subscriptions_list, lists, requests, n, error);
}

/* ---- webhooks ---- */

static ChUuid write_webhook_row(GString *json, const void *row)
{
    const NotificationWebhookEntry *entry = row;
    notification_api_write_webhook(json, entry);
    return entry->id;
}

static bool read_webhooks(ChHttpRequest *request, const ChPage *page, void *query,
                          ChViolations *violations G_GNUC_UNUSED)
{
    NotificationWebhookRange *range = query;
    range->page = *page;
    if (ch_http_param_uuid(request, "id", &range->subscription_id))
        return true;
    notification_api_respond_no_subscription(request);
    return false;
}

static bool ask_webhooks(void *context, const void *queries, size_t n, GPtrArray **pages,
                         GError **error)
{
    NotificationSubscriptionReads *reads = ((const NotificationLists *)context)->subscriptions;
    return reads->ops->webhooks(reads, queries, n, pages, error);
}

static const ChHttpList webhooks_list = {
    .query_bytes = sizeof(NotificationWebhookRange),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_webhooks,
    .ask = ask_webhooks,
    .write_row = write_webhook_row,
    .respond_unknown = notification_api_respond_no_subscription,
};

bool notification_api_list_webhooks(void *lists, ChHttpRequest *const *requests, size_t n,
                                    GError **error)
{
    return ch_http_list(&webhooks_list, lists, requests, n, error);
}
