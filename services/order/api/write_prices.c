/* Setting and deleting prices over HTTP. */
#include "order/api/write_prices.h"

#include "chassis/core/log.h"
#include "chassis/http/etag.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "order/api/price_json.h"
#include "order/application/price_edit.h"

#define PRICES "/api/prices/"

/* False when the request was answered: it is not valid, or its path names no product. */
static bool read_edit(ChHttpRequest *request, bool is_deletion, OrderPriceEdit *edit)
{
    *edit = (OrderPriceEdit){
        .is_deletion = is_deletion,
        .expected = ch_http_if_match(request),
        .must_be_listed = ch_http_request_header(request, "If-Match") != NULL,
    };
    if (!ch_http_param_uuid(request, "productId", &edit->product_id) ||
        ch_uuid_is_nil(edit->product_id)) {
        order_api_respond_no_price(request);
        return false;
    }
    if (is_deletion)
        return true;
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    if (json != NULL)
        order_api_read_price(ch_json_root(json), edit, violations);
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static void log_change(const ChHttpRequest *request, const OrderPrice *price)
{
    ChTrace trace = ch_http_request_trace(request);
    if (price->listed)
        ch_log_info("price set", CH_ID("product_id", price->product_id),
                    CH_INT("version", price->version), CH_DEC("unit_price", price->unit_price),
                    CH_STR("currency", price->currency), CH_TRACE(trace));
    else
        ch_log_info("price deleted", CH_ID("product_id", price->product_id),
                    CH_INT("version", price->version), CH_TRACE(trace));
}

static void respond_created(ChHttpRequest *request, const OrderPrice *price)
{
    char location[sizeof PRICES + CH_UUID_TEXT_BYTES] = PRICES;
    ch_uuid_format(price->product_id, location + sizeof PRICES - 1);
    order_api_respond_price(request, 201, price);
    ch_http_respond_header(request, "Location", location);
}

static void respond_changed(ChHttpRequest *request, const OrderPrice *price)
{
    if (price->listed)
        order_api_respond_price(request, 200, price);
    else
        ch_http_respond_empty(request, 204);
}

static void respond(ChHttpRequest *request, const OrderPriceOutcome *outcome)
{
    switch (outcome->result) {
    case ORDER_PRICE_CREATED:
        log_change(request, &outcome->price);
        respond_created(request, &outcome->price);
        return;
    case ORDER_PRICE_CHANGED:
        log_change(request, &outcome->price);
        respond_changed(request, &outcome->price);
        return;
    case ORDER_PRICE_UNCHANGED:
        respond_changed(request, &outcome->price);
        return;
    case ORDER_PRICE_UNKNOWN:
        order_api_respond_no_price(request);
        return;
    case ORDER_PRICE_STALE:
        ch_http_respond_problem(request, &ch_http_changed_meanwhile,
                                "the price was changed meanwhile: read it again");
        return;
    }
}

static bool edit_all(OrderPrices *store, bool is_deletion, ChHttpRequest *const *requests, size_t n,
                     GError **error)
{
    g_autofree OrderPriceEdit *edits = g_new0(OrderPriceEdit, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree OrderPriceOutcome *outcomes = g_new0(OrderPriceOutcome, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (read_edit(requests[i], is_deletion, &edits[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !order_edit_prices(store, edits, valid, outcomes, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        order_api_note_price(askers[i], &outcomes[i]);
        respond(askers[i], &outcomes[i]);
    }
    return true;
}

bool order_api_set_price(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return edit_all(store, false, requests, n, error);
}

bool order_api_delete_price(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return edit_all(store, true, requests, n, error);
}
