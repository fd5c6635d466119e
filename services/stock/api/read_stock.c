/* Reading stock and its ledger over HTTP. */
#include "stock/api/read_stock.h"

#include "chassis/http/etag.h"
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "stock/application/ports.h"

#include <string.h>

enum {
    PLAIN_LIMIT = 1000, /* rows of the array that comes without limit and cursor */
    DEFAULT_LIMIT = 100,
    MAX_LIMIT = 1000,
    MAX_MOVEMENTS = 100,
    DEFAULT_MOVEMENTS = 20,
};

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no stock of this product");
}

static void write_level(GString *json, const StockLevel *level)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "productId", level->product_id);
    ch_json_add_integer(json, "quantity", level->quantity);
    ch_json_end_object(json);
}

/* ---- one ---- */

static void respond_level(ChHttpRequest *request, const StockLevel *level)
{
    if (!level->exists) {
        respond_unknown(request);
        return;
    }
    GString *json = g_string_sized_new(96);
    write_level(json, level);
    ch_http_respond_json(request, 200, json);
    ch_http_respond_etag(request, level->quantity);
}

bool stock_api_get(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    StockReads *store = context;
    g_autofree StockLevel *levels = g_new0(StockLevel, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "productId", &levels[valid].product_id))
            askers[valid++] = requests[i];
        else
            respond_unknown(requests[i]);
    }
    if (valid > 0 && !store->ops->find(store, levels, valid, error))
        return false;
    for (size_t i = 0; i < valid; i++)
        respond_level(askers[i], &levels[i]);
    return true;
}

/* ---- many ---- */

static void add_cursor(GString *json, const ChHttpRequest *request, ChUuid last)
{
    char cursor[CH_HTTP_CURSOR_BYTES];
    ch_http_page_cursor_after(request, last, cursor);
    ch_json_add_text(json, "nextCursor", cursor);
}

static void write_levels(GString *json, const char *key, const GArray *levels, size_t n)
{
    ch_json_begin_array(json, key);
    for (size_t i = 0; i < n; i++)
        write_level(json, &g_array_index(levels, StockLevel, i));
    ch_json_end_array(json);
}

/* The array of the .NET system; where the rest begins is in a Link header (RFC 8288). */
static void respond_plain(ChHttpRequest *request, const GArray *levels)
{
    size_t n = MIN(levels->len, (guint)PLAIN_LIMIT);
    GString *json = g_string_sized_new(128 + 80 * n);
    write_levels(json, NULL, levels, n);
    ch_http_respond_json(request, 200, json);
    if (levels->len <= n)
        return;
    char cursor[CH_HTTP_CURSOR_BYTES];
    ch_http_page_cursor_after(request, g_array_index(levels, StockLevel, n - 1).product_id, cursor);
    g_autofree char *link =
        g_strdup_printf("</api/stocks?limit=%d&cursor=%s>; rel=\"next\"", PLAIN_LIMIT, cursor);
    ch_http_respond_header(request, "Link", link);
}

static void respond_page(ChHttpRequest *request, const GArray *levels, size_t limit)
{
    size_t n = MIN(levels->len, limit);
    GString *json = g_string_sized_new(128 + 80 * n);
    ch_json_begin_object(json, NULL);
    write_levels(json, "items", levels, n);
    if (levels->len > n)
        add_cursor(json, request, g_array_index(levels, StockLevel, n - 1).product_id);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

static bool is_paged(const ChHttpRequest *request)
{
    return ch_http_request_query_count(request, "limit") > 0 ||
           ch_http_request_query_count(request, "cursor") > 0;
}

/* False when the request was answered: it is not valid. */
static bool range_of(ChHttpRequest *request, StockRange *range)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *range = (StockRange){ .limit = is_paged(request) ? DEFAULT_LIMIT : PLAIN_LIMIT };
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, &range->limit, violations);
    ch_http_page_cursor(request, &range->after, violations);
    range->limit++; /* to know of the next page */
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

bool stock_api_list(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    StockReads *store = context;
    g_autofree StockRange *ranges = g_new(StockRange, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GArray **pages = g_new0(GArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (range_of(requests[i], &ranges[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !store->ops->list(store, ranges, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (is_paged(askers[i]))
            respond_page(askers[i], pages[i], (size_t)ranges[i].limit - 1);
        else
            respond_plain(askers[i], pages[i]);
        g_array_unref(pages[i]);
    }
    return true;
}

/* ---- ledger ---- */

static void write_movement(GString *json, const StockMovement *movement)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", movement->id);
    ch_json_add_integer(json, "delta", movement->delta);
    ch_json_add_text(json, "kind", movement->kind);
    if (!ch_uuid_is_nil(movement->order_id))
        ch_json_add_uuid(json, "orderId", movement->order_id);
    if (movement->reason != NULL)
        ch_json_add_text(json, "reason", movement->reason);
    ch_json_add_time(json, "at", movement->happened_us);
    ch_json_end_object(json);
}

static GString *movements_json(const ChHttpRequest *request, const GArray *movements, size_t limit)
{
    size_t n = MIN(movements->len, limit);
    GString *json = g_string_sized_new(128 + 200 * n);
    ch_json_begin_object(json, NULL);
    ch_json_begin_array(json, "items");
    for (size_t i = 0; i < n; i++)
        write_movement(json, &g_array_index(movements, StockMovement, i));
    ch_json_end_array(json);
    if (movements->len > n)
        add_cursor(json, request, g_array_index(movements, StockMovement, n - 1).id);
    ch_json_end_object(json);
    return json;
}

/* False when the request was answered: it is not valid, or its path names no product. */
static bool query_of(ChHttpRequest *request, StockLedgerQuery *query)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *query = (StockLedgerQuery){ .limit = DEFAULT_MOVEMENTS };
    memset(query->before.bytes, 0xff, sizeof query->before.bytes);
    ch_http_query_integer(request, "limit", 1, MAX_MOVEMENTS, &query->limit, violations);
    ch_http_page_cursor(request, &query->before, violations);
    query->limit++; /* to know of the next page */
    if (ch_violations_count(violations) > 0) {
        ch_http_respond_violations(request, violations);
        return false;
    }
    if (ch_http_param_uuid(request, "productId", &query->product_id))
        return true;
    respond_unknown(request);
    return false;
}

/* A deleted product keeps its ledger; one without a ledger never was. */
static void respond_movements(ChHttpRequest *request, const GArray *movements, size_t limit)
{
    if (movements->len == 0 && ch_http_request_query_count(request, "cursor") == 0)
        respond_unknown(request);
    else
        ch_http_respond_json(request, 200, movements_json(request, movements, limit));
}

bool stock_api_movements(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    StockReads *store = context;
    g_autofree StockLedgerQuery *queries = g_new(StockLedgerQuery, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GArray **ledgers = g_new0(GArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (query_of(requests[i], &queries[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !store->ops->movements(store, queries, valid, ledgers, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        respond_movements(askers[i], ledgers[i], (size_t)queries[i].limit - 1);
        g_array_unref(ledgers[i]);
    }
    return true;
}
