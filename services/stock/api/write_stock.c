/* Operators' changes over HTTP. */
#include "stock/api/write_stock.h"

#include "chassis/http/etag.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "stock/api/record.h"
#include "stock/application/edit.h"

static const ChHttpProblem exists = { "stock-exists", 409, "Already there" };
static const ChHttpProblem held = { "stock-held", 409, "Held by orders" };
static const ChHttpProblem out_of_range = { "stock-out-of-range", 409, "Out of range" };

/* ---- in ---- */

/* One request's edit, and the document that its reason lives in. */
typedef struct {
    ChHttpRequest *request;
    ChJson *json;
} Asker;

/* Reads the body into @edit; faults become violations. */
typedef void (*ReadBody)(ChJsonValue root, StockEdit *edit, ChViolations *violations);

static void read_creation(ChJsonValue root, StockEdit *edit, ChViolations *violations)
{
    ch_json_read_uuid(root, "productId", CH_JSON_REQUIRED, &edit->product_id, violations);
    ch_json_read_integer(root, "quantity", CH_JSON_REQUIRED, 0, STOCK_MAX_QUANTITY, &edit->value,
                         violations);
}

static void read_quantity(ChJsonValue root, StockEdit *edit, ChViolations *violations)
{
    ch_json_read_integer(root, "quantity", CH_JSON_REQUIRED, 0, STOCK_MAX_QUANTITY, &edit->value,
                         violations);
}

static void read_adjustment(ChJsonValue root, StockEdit *edit, ChViolations *violations)
{
    ch_json_read_integer(root, "delta", CH_JSON_REQUIRED, -STOCK_MAX_QUANTITY, STOCK_MAX_QUANTITY,
                         &edit->value, violations);
    ch_json_read_text(root, "reason", CH_JSON_OPTIONAL, 1, STOCK_MAX_REASON_CHARS, &edit->reason,
                      violations);
}

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no stock of this product");
}

/* False when the request was answered: it is not valid. @read_body is NULL where there is none. */
static bool read_edit(ChHttpRequest *request, StockEditKind kind, ReadBody read_body, ChJson **json,
                      StockEdit *edit)
{
    *edit = (StockEdit){ .kind = kind,
                         .actor = ch_http_request_actor(request),
                         .trace = ch_http_request_trace(request) };
    if (kind != STOCK_CREATE && !ch_http_param_uuid(request, "productId", &edit->product_id)) {
        respond_unknown(request);
        return false;
    }
    g_autoptr(ChViolations) violations = ch_violations_new();
    if (kind != STOCK_CREATE)
        edit->expected = ch_http_if_match(request);
    if (kind == STOCK_DELETE)
        ch_http_query_bool(request, "force", &edit->force, violations);
    if (read_body != NULL)
        *json = ch_http_request_json(request, violations);
    if (*json != NULL)
        read_body(ch_json_root(*json), edit, violations);
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

/* ---- out ---- */

static void respond_level(ChHttpRequest *request, unsigned status, ChUuid product_id,
                          int64_t quantity)
{
    GString *json = g_string_sized_new(96);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "productId", product_id);
    ch_json_add_integer(json, "quantity", quantity);
    ch_json_end_object(json);
    ch_http_respond_json(request, status, json);
}

static void note_done(ChHttpRequest *request, const StockEdit *edit,
                      const StockEditOutcome *outcome)
{
    stock_api_note_level(request, edit->product_id,
                         edit->kind == STOCK_CREATE ? NULL : &outcome->before,
                         edit->kind == STOCK_DELETE ? NULL : &outcome->quantity, edit->reason);
}

static void respond_done(ChHttpRequest *request, const StockEdit *edit, int64_t quantity)
{
    char location[sizeof "/api/stocks/" + CH_UUID_TEXT_BYTES] = "/api/stocks/";
    switch (edit->kind) {
    case STOCK_CREATE:
        ch_uuid_format(edit->product_id, location + sizeof "/api/stocks/" - 1);
        respond_level(request, 201, edit->product_id, quantity);
        ch_http_respond_header(request, "Location", location);
        return;
    case STOCK_ADJUST:
        respond_level(request, 200, edit->product_id, quantity);
        return;
    case STOCK_SET:
    case STOCK_DELETE:
        ch_http_respond_empty(request, 204);
        return;
    }
}

static void respond(ChHttpRequest *request, const StockEdit *edit, const StockEditOutcome *outcome)
{
    switch (outcome->result) {
    case STOCK_EDIT_DONE:
        note_done(request, edit, outcome);
        respond_done(request, edit, outcome->quantity);
        if (edit->kind != STOCK_DELETE)
            ch_http_respond_etag(request, outcome->quantity);
        return;
    case STOCK_EDIT_EXISTS:
        ch_http_respond_problem(request, &exists, "the product has stock already");
        return;
    case STOCK_EDIT_UNKNOWN:
        respond_unknown(request);
        return;
    case STOCK_EDIT_STALE:
        ch_http_respond_problem(request, &ch_http_changed_meanwhile,
                                "the quantity was changed meanwhile: read it again");
        return;
    case STOCK_EDIT_HELD:
        ch_http_respond_problem(request, &held,
                                "orders hold stock of this product; with force=true it is deleted "
                                "all the same, and what they give back is written off");
        return;
    case STOCK_EDIT_OUT_OF_RANGE:
        ch_http_respond_problem(request, &out_of_range,
                                "there are %" G_GINT64_FORMAT
                                "; the result must be from 0 to %" G_GINT64_FORMAT,
                                outcome->quantity, STOCK_MAX_QUANTITY);
        return;
    }
}

/* ---- handlers ---- */

static void clear_asker(void *asker)
{
    ch_json_free(((Asker *)asker)->json);
}

static bool edit_all(StockStore *store, StockEditKind kind, ReadBody read_body,
                     ChHttpRequest *const *requests, size_t n, GError **error)
{
    g_autoptr(GArray) askers = g_array_new(FALSE, FALSE, sizeof(Asker));
    g_array_set_clear_func(askers, clear_asker);
    g_autofree StockEdit *edits = g_new0(StockEdit, n);
    g_autofree StockEditOutcome *outcomes = g_new0(StockEditOutcome, n);
    for (size_t i = 0; i < n; i++) {
        Asker asker = { .request = requests[i] };
        if (read_edit(asker.request, kind, read_body, &asker.json, &edits[askers->len]))
            g_array_append_val(askers, asker);
        else
            clear_asker(&asker);
    }
    if (askers->len > 0 && !stock_edit(store, edits, askers->len, outcomes, error))
        return false;
    for (guint i = 0; i < askers->len; i++)
        respond(g_array_index(askers, Asker, i).request, &edits[i], &outcomes[i]);
    return true;
}

bool stock_api_create(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return edit_all(store, STOCK_CREATE, read_creation, requests, n, error);
}

bool stock_api_set(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return edit_all(store, STOCK_SET, read_quantity, requests, n, error);
}

bool stock_api_adjust(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return edit_all(store, STOCK_ADJUST, read_adjustment, requests, n, error);
}

bool stock_api_delete(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return edit_all(store, STOCK_DELETE, NULL, requests, n, error);
}
