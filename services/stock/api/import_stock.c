/* Many quantities in one request: a JSON object a line (NDJSON), and one a line in the answer. */
#include "stock/api/import_stock.h"

#include "chassis/core/log.h"
#include "chassis/http/ndjson.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "stock/api/record.h"
#include "stock/application/import.h"

#include <string.h>

enum {
    MAX_WORD_CHARS = 16,
};

/* ---- in ---- */

static void read_line(ChJsonValue root, void *item, ChViolations *faults)
{
    StockImport *line = item;
    int64_t expected;
    ch_json_read_uuid(root, "productId", CH_JSON_REQUIRED, &line->product_id, faults);
    ch_json_read_integer(root, "quantity", CH_JSON_REQUIRED, 0, STOCK_MAX_QUANTITY, &line->quantity,
                         faults);
    if (ch_json_read_integer(root, "expected", CH_JSON_OPTIONAL, 0, STOCK_MAX_QUANTITY, &expected,
                             faults))
        line->expected = (ChExpected){ .n = 1, .versions = { expected } };
}

static bool read_existing(const ChHttpRequest *request, ChViolations *violations)
{
    const char *existing;
    if (!ch_http_query_text(request, "existing", MAX_WORD_CHARS, &existing, violations))
        return false;
    bool set = strcmp(existing, "set") == 0;
    if (!set && strcmp(existing, "keep") != 0)
        ch_violations_add(violations, "existing", "must be keep or set");
    return set;
}

/* ---- out ---- */

typedef struct {
    const StockImport *lines; /* n */
    const StockImportOutcome *outcomes;
    size_t n;
} Imported;

static void write_line(GString *json, const void *context, size_t place)
{
    const Imported *imported = context;
    const StockImportOutcome *outcome = &imported->outcomes[place];
    ch_json_add_text(json, "outcome", stock_import_result_name(outcome->result));
    ch_json_add_uuid(json, "productId", imported->lines[place].product_id);
    if (outcome->result != STOCK_IMPORT_UNKNOWN)
        ch_json_add_integer(json, "quantity", outcome->quantity);
}

static void note_import(ChHttpRequest *request, const Imported *imported)
{
    for (size_t i = 0; i < imported->n; i++) {
        const StockImportOutcome *outcome = &imported->outcomes[i];
        bool created = outcome->result == STOCK_IMPORT_CREATED;
        if (created || outcome->result == STOCK_IMPORT_SET)
            stock_api_note_level(request, imported->lines[i].product_id,
                                 created ? NULL : &outcome->before, &outcome->quantity, NULL);
    }
}

/* One line for all of them: the ledger has each. */
static void log_import(const ChHttpRequest *request, const Imported *imported, size_t lines)
{
    int64_t created = 0;
    int64_t set = 0;
    for (size_t i = 0; i < imported->n; i++) {
        created += imported->outcomes[i].result == STOCK_IMPORT_CREATED;
        set += imported->outcomes[i].result == STOCK_IMPORT_SET;
    }
    ch_log_info("stock imported", CH_INT("lines", (int64_t)lines), CH_INT("created", created),
                CH_INT("set", set), CH_TRACE(ch_http_request_trace(request)));
}

/* ---- the handler ---- */

static bool import_one(StockStore *store, ChHttpRequest *request, GError **error)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChHttpLines) lines =
        ch_http_lines_read(request, sizeof(StockImport), read_line, violations);
    bool set_existing = read_existing(request, violations);
    if (ch_violations_count(violations) > 0) {
        ch_http_respond_violations(request, violations);
        return true;
    }
    Imported imported = { .n = 0 };
    imported.lines = ch_http_lines_items(lines, &imported.n);
    g_autofree StockImportOutcome *outcomes = g_new0(StockImportOutcome, imported.n);
    imported.outcomes = outcomes;
    if (imported.n > 0 && !stock_import(store, imported.lines, imported.n, set_existing,
                                        ch_http_request_actor(request), outcomes, error))
        return false;
    note_import(request, &imported);
    log_import(request, &imported, ch_http_lines_count(lines));
    ch_http_lines_respond(request, lines, write_line, &imported);
    return true;
}

bool stock_api_import(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!import_one(store, requests[i], error))
            return false;
    }
    return true;
}
