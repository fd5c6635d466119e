/* Reading orders over HTTP. */
#include "order/api/read_orders.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/page.h"
#include "chassis/json/json_writer.h"
#include "order/api/order_json.h"
#include "order/api/scopes.h"
#include "order/api/wait_orders.h"

enum {
    DEFAULT_LIMIT = 20,
    MAX_LIMIT = 100,
};

/* ---- one ---- */

/* The orders that the paths name, and who asks for each; the others are answered. */
static size_t take_asked(ChHttpRequest *const *requests, size_t n, OrderAsked *asked,
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
    size_t valid = keep_wishes(asked, askers, take_asked(requests, n, asked, askers));
    if (valid > 0 && !store->ops->find(store, asked, valid, orders, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        respond_or_wait(lookups, askers[i], orders[i]);
        order_free(orders[i]);
    }
    return true;
}

/* ---- many ---- */

static void read_filter(const ChHttpRequest *request, OrderFilter *filter, ChViolations *violations)
{
    const char *status;
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, &filter->limit, violations);
    filter->has_customer =
        ch_http_query_uuid(request, "customerId", &filter->customer_id, violations);
    filter->has_before = ch_http_page_cursor(request, &filter->before, violations);
    ch_http_query_created(request, &filter->created, violations);
    if (!ch_http_query_text(request, "status", 16, &status, violations))
        return;
    filter->has_status = order_status_parse(status, &filter->status);
    if (!filter->has_status)
        ch_violations_add(violations, "status", "must be Created, Confirmed or Cancelled");
}

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

/* False when the request was answered: it is not valid, or there is nothing to list. */
static bool filter_of(ChHttpRequest *request, OrderFilter *filter)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *filter = (OrderFilter){ .limit = DEFAULT_LIMIT };
    read_filter(request, filter, violations);
    filter->limit++; /* to know of the next page */
    if (ch_violations_count(violations) == 0)
        return narrow(request, filter);
    ch_http_respond_violations(request, violations);
    return false;
}

bool order_api_list(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    OrderReads *store = context;
    g_autofree OrderFilter *filters = g_new(OrderFilter, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (filter_of(requests[i], &filters[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !store->ops->list(store, filters, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        size_t limit = (size_t)filters[i].limit - 1;
        ch_http_respond_json(askers[i], 200, ch_http_page(askers[i], pages[i], limit, write_row));
        g_ptr_array_unref(pages[i]);
    }
    return true;
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
    size_t valid = take_asked(requests, n, asked, askers);
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
