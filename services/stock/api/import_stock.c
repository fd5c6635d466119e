/* Many quantities in one request: a JSON object a line (NDJSON), and one a line in the answer. */
#include "stock/api/import_stock.h"

#include "chassis/core/log.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_violations.h"
#include "chassis/json/json_writer.h"
#include "stock/application/import.h"

#include <string.h>

enum {
    MAX_LINES = 1000,
    BYTES_A_LINE = 120, /* of an answer */
    MAX_WORD_CHARS = 16,
};

/* ---- in ---- */

/* A line of the request. */
typedef struct {
    ChViolations *faults; /* NULL: it is valid, and ... */
    size_t place;         /* ... this one of those */
} Line;

typedef struct {
    GArray *lines;   /* of Line */
    GArray *imports; /* of StockImport: the valid lines */
    bool set_existing;
} Import;

static void clear_line(void *line)
{
    ch_violations_free(((Line *)line)->faults);
}

static void read_line(const char *text, size_t bytes, StockImport *line, ChViolations *faults)
{
    g_autoptr(GError) error = NULL;
    int64_t expected;
    if (bytes == 0) {
        ch_violations_add(faults, "", "must be a JSON object, but is empty");
        return;
    }
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, &error);
    if (json == NULL) {
        ch_violations_add(faults, "", "%s", error->message);
        return;
    }
    ChJsonValue root = ch_json_root(json);
    if (!ch_json_expect_object(root, faults))
        return;
    ch_json_read_uuid(root, "productId", CH_JSON_REQUIRED, &line->product_id, faults);
    ch_json_read_integer(root, "quantity", CH_JSON_REQUIRED, 0, STOCK_MAX_QUANTITY, &line->quantity,
                         faults);
    if (ch_json_read_integer(root, "expected", CH_JSON_OPTIONAL, 0, STOCK_MAX_QUANTITY, &expected,
                             faults))
        line->expected = (ChExpected){ .n = 1, .versions = { expected } };
}

static void add_line(Import *import, const char *text, size_t bytes)
{
    StockImport line = { .quantity = 0 };
    Line added = { NULL, import->imports->len };
    g_autoptr(ChViolations) faults = ch_violations_new();
    read_line(text, bytes, &line, faults);
    if (ch_violations_count(faults) == 0)
        g_array_append_val(import->imports, line);
    else
        added.faults = g_steal_pointer(&faults);
    g_array_append_val(import->lines, added);
}

/* What follows the last line's end is a line only when it is not empty. */
static void read_lines(const ChHttpRequest *request, Import *import, ChViolations *violations)
{
    size_t bytes;
    const char *text = ch_http_request_body(request, &bytes);
    while (bytes > 0 && import->lines->len < MAX_LINES) {
        const char *end = memchr(text, '\n', bytes);
        size_t line = end == NULL ? bytes : (size_t)(end - text);
        add_line(import, text, line);
        size_t used = end == NULL ? line : line + 1;
        text += used;
        bytes -= used;
    }
    if (bytes > 0)
        ch_violations_add(violations, "", "must have at most %d lines", MAX_LINES);
    if (import->lines->len == 0)
        ch_violations_add(violations, "", "must have a line");
}

static void read_existing(const ChHttpRequest *request, Import *import, ChViolations *violations)
{
    const char *existing;
    if (!ch_http_query_text(request, "existing", MAX_WORD_CHARS, &existing, violations))
        return;
    import->set_existing = strcmp(existing, "set") == 0;
    if (!import->set_existing && strcmp(existing, "keep") != 0)
        ch_violations_add(violations, "existing", "must be keep or set");
}

/* ---- out ---- */

static void write_outcome(GString *json, const StockImport *line, const StockImportOutcome *outcome)
{
    ch_json_add_text(json, "outcome", stock_import_result_name(outcome->result));
    ch_json_add_uuid(json, "productId", line->product_id);
    if (outcome->result != STOCK_IMPORT_UNKNOWN)
        ch_json_add_integer(json, "quantity", outcome->quantity);
}

static void respond(ChHttpRequest *request, const Import *import,
                    const StockImportOutcome *outcomes)
{
    GString *answer = g_string_sized_new((gsize)import->lines->len * BYTES_A_LINE);
    g_autoptr(GString) json = g_string_new(NULL);
    for (guint i = 0; i < import->lines->len; i++) {
        const Line *line = &g_array_index(import->lines, Line, i);
        g_string_truncate(json, 0);
        ch_json_begin_object(json, NULL);
        ch_json_add_integer(json, "line", (int64_t)i + 1);
        if (line->faults == NULL) {
            write_outcome(json, &g_array_index(import->imports, StockImport, line->place),
                          &outcomes[line->place]);
        } else {
            ch_json_add_text(json, "outcome", "invalid");
            ch_json_add_violations(json, "errors", line->faults);
        }
        ch_json_end_object(json);
        g_string_append_len(answer, json->str, (gssize)json->len);
        g_string_append_c(answer, '\n');
    }
    ch_http_respond_text(request, 200, "application/x-ndjson", answer);
}

/* One line for all of them: the ledger has each. */
static void log_import(const ChHttpRequest *request, const Import *import,
                       const StockImportOutcome *outcomes)
{
    int64_t created = 0;
    int64_t set = 0;
    for (guint i = 0; i < import->imports->len; i++) {
        created += outcomes[i].result == STOCK_IMPORT_CREATED;
        set += outcomes[i].result == STOCK_IMPORT_SET;
    }
    ch_log_info("stock imported", CH_INT("lines", import->lines->len), CH_INT("created", created),
                CH_INT("set", set), CH_TRACE(ch_http_request_trace(request)));
}

/* ---- the handler ---- */

static void import_clear(Import *import)
{
    g_array_unref(import->lines);
    g_array_unref(import->imports);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Import, import_clear)

static bool import_one(StockStore *store, ChHttpRequest *request, GError **error)
{
    g_auto(Import) import = { g_array_new(FALSE, FALSE, sizeof(Line)),
                              g_array_new(FALSE, FALSE, sizeof(StockImport)), false };
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_array_set_clear_func(import.lines, clear_line);
    read_lines(request, &import, violations);
    read_existing(request, &import, violations);
    if (ch_violations_count(violations) > 0) {
        ch_http_respond_violations(request, violations);
        return true;
    }
    g_autofree StockImportOutcome *outcomes = g_new0(StockImportOutcome, import.imports->len);
    const StockImport *lines = (const StockImport *)(void *)import.imports->data;
    if (import.imports->len > 0 &&
        !stock_import(store, lines, import.imports->len, import.set_existing, outcomes, error))
        return false;
    log_import(request, &import, outcomes);
    respond(request, &import, outcomes);
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
