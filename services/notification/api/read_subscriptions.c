/* Showing subscriptions, and what was sent for them. */
#include "notification/api/read_subscriptions.h"

#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "notification/api/stores.h"
#include "notification/api/subscription_json.h"

enum {
    DEFAULT_LIMIT = 20,
    MAX_LIMIT = 100,
};

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

/* Where a page begins, and how long it may be; false when the request was answered. */
static bool read_page(ChHttpRequest *request, bool *has_before, ChUuid *before, int64_t *limit)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *limit = DEFAULT_LIMIT;
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, limit, violations);
    *has_before = ch_http_page_cursor(request, before, violations);
    (*limit)++; /* to know of the next page */
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static ChUuid write_subscription_row(GString *json, const void *row)
{
    const NotificationSubscription *subscription = row;
    notification_api_write_subscription(json, subscription, NULL);
    return subscription->id;
}

bool notification_api_list_subscriptions(void *context, ChHttpRequest *const *requests, size_t n,
                                         GError **error)
{
    NotificationSubscriptionReads *reads = ((const NotificationLists *)context)->subscriptions;
    g_autofree NotificationSubscriptionRange *ranges = g_new0(NotificationSubscriptionRange, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        NotificationSubscriptionRange *range = &ranges[valid];
        if (read_page(requests[i], &range->has_before, &range->before, &range->limit))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !reads->ops->list(reads, ranges, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        size_t limit = (size_t)ranges[i].limit - 1;
        ch_http_respond_json(askers[i], 200,
                             ch_http_page(askers[i], pages[i], limit, write_subscription_row));
        g_ptr_array_unref(pages[i]);
    }
    return true;
}

/* ---- webhooks ---- */

static ChUuid write_webhook_row(GString *json, const void *row)
{
    const NotificationWebhookEntry *entry = row;
    notification_api_write_webhook(json, entry);
    return entry->id;
}

/* False when the request was answered. */
static bool webhooks_of(ChHttpRequest *request, NotificationWebhookRange *range)
{
    if (!read_page(request, &range->has_before, &range->before, &range->limit))
        return false;
    if (ch_http_param_uuid(request, "id", &range->subscription_id))
        return true;
    notification_api_respond_no_subscription(request);
    return false;
}

/* Takes @page. */
static void respond_webhooks(ChHttpRequest *request, GPtrArray *page, size_t limit)
{
    if (page == NULL) {
        notification_api_respond_no_subscription(request);
        return;
    }
    ch_http_respond_json(request, 200, ch_http_page(request, page, limit, write_webhook_row));
    g_ptr_array_unref(page);
}

bool notification_api_list_webhooks(void *context, ChHttpRequest *const *requests, size_t n,
                                    GError **error)
{
    NotificationSubscriptionReads *reads = ((const NotificationLists *)context)->subscriptions;
    g_autofree NotificationWebhookRange *ranges = g_new0(NotificationWebhookRange, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (webhooks_of(requests[i], &ranges[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !reads->ops->webhooks(reads, ranges, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++)
        respond_webhooks(askers[i], pages[i], (size_t)ranges[i].limit - 1);
    return true;
}
