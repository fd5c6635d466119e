/* Reading the price list over HTTP. */
#include "order/api/read_prices.h"

#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "order/api/price_json.h"
#include "order/api/wait_orders.h"
#include "order/application/ports.h"

enum {
    DEFAULT_LIMIT = 100,
    MAX_LIMIT = 1000,
    DEFAULT_VERSIONS = 20,
    MAX_VERSIONS = 100,
};

/* ---- one ---- */

bool order_api_get_price(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    OrderReads *store = ((const OrderLookups *)context)->reads;
    g_autofree OrderPrice *prices = g_new0(OrderPrice, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "productId", &prices[valid].product_id))
            askers[valid++] = requests[i];
        else
            order_api_respond_no_price(requests[i]);
    }
    if (valid > 0 && !store->ops->prices(store, prices, valid, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (prices[i].listed)
            order_api_respond_price(askers[i], 200, &prices[i]);
        else
            order_api_respond_no_price(askers[i]);
    }
    return true;
}

/* ---- many ---- */

/* Reads the limit and where the page begins; false when the request was answered. */
typedef bool (*ReadRange)(ChHttpRequest *request, OrderPriceRange *range);

/* Asks for the pages that the requests want; the others were answered. */
typedef bool (*FindPages)(OrderReads *self, const OrderPriceRange *ranges, size_t n,
                          GPtrArray **pages, GError **error);

typedef void (*RespondPage)(ChHttpRequest *request, const GPtrArray *page, size_t limit);

static bool answer_pages(OrderReads *store, ReadRange read, FindPages find, RespondPage respond,
                         ChHttpRequest *const *requests, size_t n, GError **error)
{
    g_autofree OrderPriceRange *ranges = g_new0(OrderPriceRange, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (read(requests[i], &ranges[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !find(store, ranges, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        respond(askers[i], pages[i], (size_t)ranges[i].limit - 1);
        g_ptr_array_unref(pages[i]);
    }
    return true;
}

static bool respond_faults(ChHttpRequest *request, const ChViolations *violations)
{
    if (ch_violations_count(violations) == 0)
        return false;
    ch_http_respond_violations(request, violations);
    return true;
}

static bool list_range(ChHttpRequest *request, OrderPriceRange *range)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *range = (OrderPriceRange){ .limit = DEFAULT_LIMIT };
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, &range->limit, violations);
    ch_http_page_cursor(request, &range->product_id, violations);
    range->limit++; /* to know of the next page */
    return !respond_faults(request, violations);
}

static ChUuid write_price(GString *json, const void *row)
{
    const OrderPrice *price = row;
    order_api_write_price(json, price);
    return price->product_id;
}

static void respond_list(ChHttpRequest *request, const GPtrArray *page, size_t limit)
{
    ch_http_respond_json(request, 200, ch_http_page(request, page, limit, write_price));
}

bool order_api_list_prices(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    OrderReads *store = context;
    return answer_pages(store, list_range, store->ops->list_prices, respond_list, requests, n,
                        error);
}

/* ---- versions ---- */

static bool versions_range(ChHttpRequest *request, OrderPriceRange *range)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChUuid last;
    *range = (OrderPriceRange){ .before = G_MAXINT64, .limit = DEFAULT_VERSIONS };
    ch_http_query_integer(request, "limit", 1, MAX_VERSIONS, &range->limit, violations);
    if (ch_http_page_cursor(request, &last, violations))
        range->before = ch_http_page_number(last);
    range->limit++; /* to know of the next page */
    if (respond_faults(request, violations))
        return false;
    if (ch_http_param_uuid(request, "productId", &range->product_id))
        return true;
    order_api_respond_no_price(request);
    return false;
}

static ChUuid write_version(GString *json, const void *row)
{
    const OrderPrice *price = row;
    order_api_write_price(json, price);
    return ch_http_page_id(price->version);
}

/* Every price has a first version, a deleted one too. */
static void respond_versions(ChHttpRequest *request, const GPtrArray *page, size_t limit)
{
    if (page->len == 0 && ch_http_request_query_count(request, "cursor") == 0)
        order_api_respond_no_price(request);
    else
        ch_http_respond_json(request, 200, ch_http_page(request, page, limit, write_version));
}

bool order_api_list_price_versions(void *context, ChHttpRequest *const *requests, size_t n,
                                   GError **error)
{
    OrderReads *store = context;
    return answer_pages(store, versions_range, store->ops->price_versions, respond_versions,
                        requests, n, error);
}
