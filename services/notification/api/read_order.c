/* What the customer of an order was told, and what is held up about the order here. */
#include "notification/api/read_order.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "chassis/messaging/pending.h"
#include "notification/api/log.h"
#include "notification/api/scopes.h"
#include "notification/api/stores.h"
#include "notification/application/masking.h"

enum {
    MAX_NOTIFICATIONS = 100, /* of an order; it has one for each of its two ends */
};

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "nothing is known of such an order here");
}

/* What the paths ask for, and who asks for each; the others are answered. */
static size_t take_asked(ChHttpRequest *const *requests, size_t n, NotificationFilter *filters,
                         ChHttpRequest **askers)
{
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        NotificationFilter *filter = &filters[valid];
        if (!ch_http_param_uuid(requests[i], "id", &filter->order_id)) {
            respond_unknown(requests[i]);
            continue;
        }
        filter->has_order = true;
        filter->masked = !ch_http_request_may(requests[i], NOTIFICATION_SCOPE_PERSONAL_DATA);
        filter->page =
            (ChPage){ .rows = MAX_NOTIFICATIONS, .oldest_first = true, .created = CH_TIME_ALWAYS };
        askers[valid++] = requests[i];
    }
    return valid;
}

/* This service announces nothing: only retries and dead letters of its consumers may be here. */
static bool find_pending(ChPg *pg, const NotificationFilter *filters, size_t n, GPtrArray **pending,
                         GError **error)
{
    g_autofree ChPendingAsked *asked = g_new0(ChPendingAsked, n);
    for (size_t i = 0; i < n; i++)
        asked[i].subject = filters[i].order_id;
    return ch_pending_find(pg, asked, n, pending, error);
}

static void respond(ChHttpRequest *request, const NotificationFilter *filter, GPtrArray *entries,
                    const GPtrArray *pending)
{
    if (entries->len == 0 && pending->len == 0) {
        respond_unknown(request);
        return;
    }
    GString *json = g_string_sized_new(2048);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "orderId", filter->order_id);
    ch_json_begin_array(json, "notifications");
    for (guint i = 0; i < entries->len; i++) {
        NotificationEntry *entry = g_ptr_array_index(entries, i);
        if (filter->masked)
            notification_entry_mask(entry);
        notification_api_write_entry(json, entry);
    }
    ch_json_end_array(json);
    ch_pending_write(json, pending);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

bool notification_api_order(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    const NotificationLists *lists = context;
    g_autofree NotificationFilter *filters = g_new0(NotificationFilter, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **entries = g_new0(GPtrArray *, n);
    g_autofree GPtrArray **pending = g_new0(GPtrArray *, n);
    size_t valid = take_asked(requests, n, filters, askers);
    bool ok = valid == 0 || (lists->log->ops->list(lists->log, filters, valid, entries, error) &&
                             find_pending(lists->pg, filters, valid, pending, error));
    for (size_t i = 0; i < valid; i++) {
        if (ok)
            respond(askers[i], &filters[i], entries[i], pending[i]);
        g_clear_pointer(&entries[i], g_ptr_array_unref);
        g_clear_pointer(&pending[i], g_ptr_array_unref);
    }
    return ok;
}
