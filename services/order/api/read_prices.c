/* Reading the price list over HTTP. */
#include "order/api/read_prices.h"

#include "chassis/http/page.h"
#include "chassis/http/query.h"
#include "order/api/lists.h"
#include "order/api/price_json.h"
#include "order/api/wait_orders.h"
#include "order/application/ports.h"

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

static ChUuid write_price(GString *json, const void *row)
{
    const OrderPrice *price = row;
    order_api_write_price(json, price);
    return price->product_id;
}

static bool read_page(ChHttpRequest *request G_GNUC_UNUSED, const ChPage *page, void *query,
                      ChViolations *violations G_GNUC_UNUSED)
{
    *(ChPage *)query = *page;
    return true;
}

static bool ask_prices(void *context, const void *queries, size_t n, GPtrArray **pages,
                       GError **error)
{
    OrderReads *store = ((const OrderLists *)context)->reads;
    return store->ops->list_prices(store, queries, n, pages, error);
}

static const ChHttpList prices_list = {
    .query_bytes = sizeof(ChPage),
    .default_limit = 100,
    .max_limit = 1000,
    .read = read_page,
    .ask = ask_prices,
    .write_row = write_price,
};

bool order_api_list_prices(void *lists, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&prices_list, lists, requests, n, error);
}

/* ---- versions ---- */

static bool read_versions(ChHttpRequest *request, const ChPage *page, void *query,
                          ChViolations *violations G_GNUC_UNUSED)
{
    OrderPriceRange *range = query;
    *range = (OrderPriceRange){
        .limit = page->rows,
        .oldest_first = page->oldest_first,
        .changed = page->created,
    };
    ch_http_page_numbers(page, &range->after, &range->before);
    if (ch_http_param_uuid(request, "productId", &range->product_id))
        return true;
    order_api_respond_no_price(request);
    return false;
}

static bool ask_versions(void *context, const void *queries, size_t n, GPtrArray **pages,
                         GError **error)
{
    OrderReads *store = ((const OrderLists *)context)->reads;
    return store->ops->price_versions(store, queries, n, pages, error);
}

static ChUuid write_version(GString *json, const void *row)
{
    const OrderPrice *price = row;
    order_api_write_price(json, price);
    return ch_http_page_id(price->version);
}

/* Every price has a first version, a deleted one too. */
static const ChHttpList versions_list = {
    .query_bytes = sizeof(OrderPriceRange),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_versions,
    .ask = ask_versions,
    .write_row = write_version,
    .respond_unknown = order_api_respond_no_price,
    .has_rows = true,
};

bool order_api_list_price_versions(void *lists, ChHttpRequest *const *requests, size_t n,
                                   GError **error)
{
    return ch_http_list(&versions_list, lists, requests, n, error);
}
