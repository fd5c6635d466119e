/* Reading orders over HTTP. */
#include "order/api/read_orders.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/page.h"
#include "chassis/json/json_writer.h"
#include "order/api/lists.h"
#include "order/api/order_json.h"
#include "order/api/scopes.h"
#include "order/api/wait_orders.h"

/* ---- one ---- */

size_t order_api_take_asked(ChHttpRequest *const *requests, size_t n, OrderAsked *asked,
                            ChHttpRequest **askers)
{
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (!order_api_owner(requests[i], &asked[valid].owner))
            continue;
        if (ch_http_param_uuid(requests[i], "id", &asked[valid].id))
            askers[valid++] = requests[i];
        else
            order_api_respond_unknown(requests[i]);
    }
    return valid;
}

/* Drops those that do not say well what they wait for, which are answered; returns how many stay.
 */
static size_t keep_wishes(OrderAsked *asked, ChHttpRequest **askers, size_t n)
{
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (!order_api_read_wish(askers[i]))
            continue;
        asked[valid] = asked[i];
        askers[valid++] = askers[i];
    }
    return valid;
}

/* Answers, or leaves the request to those that wait. */
static void respond_or_wait(const OrderLookups *lookups, ChHttpRequest *request, const Order *order)
{
    if (order == NULL || !order_api_has_to_wait(lookups, request, order->status))
        order_api_respond_order(request, order);
}

bool order_api_get(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    const OrderLookups *lookups = context;
    OrderReads *store = lookups->reads;
    g_autofree OrderAsked *asked = g_new(OrderAsked, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree Order **orders = g_new0(Order *, n);
    size_t valid = keep_wishes(asked, askers, order_api_take_asked(requests, n, asked, askers));
    if (valid > 0 && !store->ops->find(store, asked, valid, orders, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        respond_or_wait(lookups, askers[i], orders[i]);
        order_free(orders[i]);
    }
    return true;
}

/* ---- many ---- */

static ChUuid write_row(GString *json, const void *row)
{
    const Order *order = row;
    order_api_write_order(json, order);
    return order->id;
}

/* Whose orders there are, whatever was asked for. False when the request was answered: there are
 * none. */
static bool narrow(ChHttpRequest *request, OrderFilter *filter)
{
    ChUuid owner;
    if (!order_api_owner(request, &owner))
        return false;
    if (ch_uuid_is_nil(owner))
        return true;
    if (filter->has_customer && !ch_uuid_equal(filter->customer_id, owner)) {
        g_autoptr(GPtrArray) nothing = g_ptr_array_new();
        ch_http_respond_json(request, 200, ch_http_page(request, nothing, 1, write_row));
        return false;
    }
    filter->has_customer = true;
    filter->customer_id = owner;
    return true;
}

static void read_status(const ChHttpRequest *request, OrderFilter *filter, ChViolations *violations)
{
    const char *status;
    if (!ch_http_query_text(request, "status", 16, &status, violations))
        return;
    filter->has_status = order_status_parse(status, &filter->status);
    if (!filter->has_status)
        ch_violations_add(violations, "status", "must be Created, Confirmed or Cancelled");
}

static bool read_filter(ChHttpRequest *request, const ChPage *page, void *query,
                        ChViolations *violations)
{
    OrderFilter *filter = query;
    filter->page = *page;
    filter->has_customer =
        ch_http_query_uuid(request, "customerId", &filter->customer_id, violations);
    read_status(request, filter, violations);
    return narrow(request, filter);
}

static bool ask_filters(void *context, const void *queries, size_t n, GPtrArray **pages,
                        GError **error)
{
    OrderReads *store = ((const OrderLists *)context)->reads;
    return store->ops->list(store, queries, n, pages, error);
}

static const ChHttpList orders = {
    .query_bytes = sizeof(OrderFilter),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_filter,
    .ask = ask_filters,
    .write_row = write_row,
};

bool order_api_list(void *lists, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&orders, lists, requests, n, error);
}

/* ---- history ---- */

static GString *history_json(const GArray *entries)
{
    GString *json = g_string_sized_new(256);
    ch_json_begin_array(json, NULL);
    for (guint i = 0; i < entries->len; i++) {
        const OrderHistoryEntry *entry = &g_array_index(entries, OrderHistoryEntry, i);
        ch_json_begin_object(json, NULL);
        ch_json_add_text(json, "status", order_status_name(entry->status));
        ch_json_add_time(json, "at", entry->happened_us);
        ch_json_add_text(json, "cause", entry->cause);
        ch_json_end_object(json);
    }
    ch_json_end_array(json);
    return json;
}

bool order_api_history(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    OrderReads *store = ((const OrderLookups *)context)->reads;
    g_autofree OrderAsked *asked = g_new(OrderAsked, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GArray **histories = g_new0(GArray *, n);
    size_t valid = order_api_take_asked(requests, n, asked, askers);
    if (valid > 0 && !store->ops->histories(store, asked, valid, histories, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (histories[i] == NULL) {
            order_api_respond_unknown(askers[i]);
            continue;
        }
        ch_http_respond_json(askers[i], 200, history_json(histories[i]));
        g_array_unref(histories[i]);
    }
    return true;
}
