/* Reading stock and its ledger over HTTP. */
#include "stock/api/read_stock.h"

#include "chassis/http/etag.h"
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "stock/api/lists.h"

enum {
    PLAIN_LIMIT = 1000, /* rows of the array that comes without limit and cursor */
    PAGE_LIMIT = 100,   /* of a page where only the cursor is given */
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

static ChUuid write_row(GString *json, const void *row)
{
    const StockLevel *level = row;
    write_level(json, level);
    return level->product_id;
}

/* The array of the .NET system; where the rest begins is in a Link header (RFC 8288). */
static void respond_plain(ChHttpRequest *request, const GPtrArray *levels)
{
    size_t n = MIN(levels->len, (guint)PLAIN_LIMIT);
    GString *json = g_string_sized_new(128 + 80 * n);
    ChUuid last = { { 0 } };
    ch_json_begin_array(json, NULL);
    for (size_t i = 0; i < n; i++)
        last = write_row(json, g_ptr_array_index(levels, i));
    ch_json_end_array(json);
    ch_http_respond_json(request, 200, json);
    if (levels->len > n)
        ch_http_respond_next(request, last, n);
}

static bool is_paged(const ChHttpRequest *request)
{
    return ch_http_request_query_count(request, "limit") > 0 ||
           ch_http_request_query_count(request, "cursor") > 0;
}

static void respond_levels(ChHttpRequest *request, const GPtrArray *levels, size_t limit)
{
    if (is_paged(request))
        ch_http_respond_page(request, levels, limit, write_row);
    else
        respond_plain(request, levels);
}

static bool read_page(ChHttpRequest *request, const ChPage *page, void *query,
                      ChViolations *violations G_GNUC_UNUSED)
{
    ChPage *wanted = query;
    *wanted = *page;
    if (!is_paged(request))
        wanted->rows = PLAIN_LIMIT + 1;
    return true;
}

static bool ask_levels(void *context, const void *queries, size_t n, GPtrArray **pages,
                       GError **error)
{
    StockReads *store = ((const StockLists *)context)->reads;
    return store->ops->list(store, queries, n, pages, error);
}

static const ChHttpList levels_list = {
    .query_bytes = sizeof(ChPage),
    .default_limit = PAGE_LIMIT,
    .max_limit = 1000,
    .read = read_page,
    .ask = ask_levels,
    .write_row = write_row,
    .respond = respond_levels,
};

bool stock_api_list(void *lists, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&levels_list, lists, requests, n, error);
}

/* ---- ledger ---- */

static ChUuid write_movement(GString *json, const void *row)
{
    const StockMovement *movement = row;
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", movement->id);
    ch_json_add_integer(json, "delta", movement->delta);
    ch_json_add_text(json, "kind", movement->kind);
    if (!ch_uuid_is_nil(movement->order_id))
        ch_json_add_uuid(json, "orderId", movement->order_id);
    if (movement->reason != NULL)
        ch_json_add_text(json, "reason", movement->reason);
    if (movement->actor != NULL)
        ch_json_add_text(json, "actor", movement->actor);
    ch_json_add_time(json, "at", movement->happened_us);
    ch_json_end_object(json);
    return movement->id;
}

static bool read_ledger(ChHttpRequest *request, const ChPage *page, void *query,
                        ChViolations *violations G_GNUC_UNUSED)
{
    StockLedgerQuery *ledger = query;
    ledger->page = *page;
    if (ch_http_param_uuid(request, "productId", &ledger->product_id))
        return true;
    respond_unknown(request);
    return false;
}

static bool ask_ledgers(void *context, const void *queries, size_t n, GPtrArray **pages,
                        GError **error)
{
    StockReads *store = ((const StockLists *)context)->reads;
    return store->ops->movements(store, queries, n, pages, error);
}

/* A deleted product keeps its ledger; one without a ledger never was. */
static const ChHttpList movements = {
    .query_bytes = sizeof(StockLedgerQuery),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_ledger,
    .ask = ask_ledgers,
    .write_row = write_movement,
    .respond_unknown = respond_unknown,
    .has_rows = true,
};

bool stock_api_movements(void *lists, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&movements, lists, requests, n, error);
}
