/* Many prices in one request. */
#include "order/api/import_prices.h"

#include "chassis/core/log.h"
#include "chassis/http/ndjson.h"
#include "chassis/http/problem.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "order/api/price_json.h"
#include "order/application/price_edit.h"

static const char *const outcome_names[] = {
    [ORDER_PRICE_CREATED] = "created",
    [ORDER_PRICE_CHANGED] = "set",
    [ORDER_PRICE_UNCHANGED] = "unchanged",
    [ORDER_PRICE_STALE] = "stale",
};

static void read_line(ChJsonValue root, void *item, ChViolations *faults)
{
    OrderPriceEdit *edit = item;
    int64_t version;
    ch_json_read_uuid(root, "productId", CH_JSON_REQUIRED, &edit->product_id, faults);
    order_api_read_price(root, edit, faults);
    edit->must_be_listed =
        ch_json_read_integer(root, "expected", CH_JSON_OPTIONAL, 1, G_MAXINT64, &version, faults);
    if (edit->must_be_listed)
        edit->expected = (ChExpected){ .n = 1, .versions = { version } };
}

/* A line that is for a price that is not there is not merely late. */
static const char *outcome_name(const OrderPriceOutcome *outcome)
{
    bool is_missing = outcome->result == ORDER_PRICE_STALE && !outcome->price.listed;
    return is_missing ? "unknown" : outcome_names[outcome->result];
}

static void write_line(GString *json, const void *context, size_t place)
{
    const OrderPriceOutcome *outcome = (const OrderPriceOutcome *)context + place;
    ch_json_add_text(json, "outcome", outcome_name(outcome));
    ch_json_add_uuid(json, "productId", outcome->price.product_id);
    if (outcome->price.listed)
        ch_json_add_integer(json, "version", outcome->price.version);
}

/* One line for all of them: the versions are kept. */
static void log_import(const ChHttpRequest *request, size_t lines,
                       const OrderPriceOutcome *outcomes, size_t n)
{
    int64_t created = 0;
    int64_t set = 0;
    for (size_t i = 0; i < n; i++) {
        created += outcomes[i].result == ORDER_PRICE_CREATED;
        set += outcomes[i].result == ORDER_PRICE_CHANGED;
    }
    ch_log_info("prices imported", CH_INT("lines", (int64_t)lines), CH_INT("created", created),
                CH_INT("set", set), CH_TRACE(ch_http_request_trace(request)));
}

static bool import_one(OrderPrices *store, ChHttpRequest *request, GError **error)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChHttpLines) lines =
        ch_http_lines_read(request, sizeof(OrderPriceEdit), read_line, violations);
    if (ch_violations_count(violations) > 0) {
        ch_http_respond_violations(request, violations);
        return true;
    }
    size_t n;
    const OrderPriceEdit *edits = ch_http_lines_items(lines, &n);
    g_autofree OrderPriceOutcome *outcomes = g_new0(OrderPriceOutcome, n);
    if (n > 0 && !order_edit_prices(store, edits, n, outcomes, error))
        return false;
    for (size_t i = 0; i < n; i++)
        order_api_note_price(request, &outcomes[i]);
    log_import(request, ch_http_lines_count(lines), outcomes, n);
    ch_http_lines_respond(request, lines, write_line, outcomes);
    return true;
}

bool order_api_import_prices(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!import_one(store, requests[i], error))
            return false;
    }
    return true;
}
