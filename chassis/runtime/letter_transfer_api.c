/* Pieces of dead letters. */
#include "chassis/runtime/letter_transfer_api.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/ndjson.h"
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/dead_letter_api.h"
#include "chassis/runtime/dead_letter_json.h"
#include "chassis/runtime/letter_transfer_json.h"

#include <string.h>

enum {
    LINE_BYTES = 1024, /* of a line but for bodies and texts: ids, times, names of members */
    ESCAPED_BYTES = 6, /* of a control character in JSON, which is one */
};

/* ---- out ---- */

static size_t most_of(const char *text)
{
    return text == NULL ? 0 : strlen(text) * ESCAPED_BYTES;
}

/* What a line takes at most: bodies a third more than they are (dead_letter_json.c). */
static size_t most_bytes(const ChDeadLetter *letter)
{
    const char *const texts[] = {
        letter->queue,  letter->message_type, letter->message_id, letter->traceparent,
        letter->reason, letter->acted_by,     letter->acted_as,   letter->acted_why,
    };
    size_t body = (size_t)MIN(letter->body_bytes, CH_EVENT_MAX_BYTES) + letter->edited_bytes;
    size_t bytes = LINE_BYTES + body + body / 3;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        bytes += most_of(texts[i]);
    return bytes;
}

/* How many of @letters fit into one piece; one in any case. */
static size_t fitting(const GPtrArray *letters, size_t limit)
{
    size_t bytes = 0;
    size_t n = 0;
    while (n < MIN(letters->len, limit)) {
        bytes += most_bytes(g_ptr_array_index(letters, n));
        if (n > 0 && bytes > CH_HTTP_PIECE_BYTES)
            break;
        n++;
    }
    return n;
}

static void respond_lines(ChHttpRequest *request, const GPtrArray *letters, size_t n, size_t limit)
{
    GString *lines = g_string_sized_new(n * LINE_BYTES);
    g_autoptr(GString) line = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        g_string_truncate(line, 0);
        ch_dead_letter_line_json(line, g_ptr_array_index(letters, i));
        g_string_append_len(lines, line->str, (gssize)line->len);
        g_string_append_c(lines, '\n');
    }
    ch_http_respond_text(request, 200, "application/x-ndjson", lines);
    if (n < letters->len) {
        const ChDeadLetter *last = g_ptr_array_index(letters, n - 1);
        ch_http_respond_next(request, last->id, limit);
    }
}

static bool export_some(const ChDeadLetterAdmin *admin, ChHttpRequest *request, GError **error)
{
    ChDeadLetterFilter filter;
    g_autoptr(GPtrArray) letters = NULL;
    if (!ch_dead_letter_api_filter(request, &filter))
        return true;
    size_t limit = (size_t)filter.limit++;
    if (!ch_dead_letter_list(admin->pg, &filter, &letters, error))
        return false;
    size_t n = fitting(letters, limit);
    if (n > 0 && !ch_dead_letter_bodies(admin->pg, (ChDeadLetter **)letters->pdata, n, error))
        return false;
    respond_lines(request, letters, n, limit);
    return true;
}

bool ch_letter_api_export(void *admin, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!export_some(admin, requests[i], error))
            return false;
    }
    return true;
}

/* ---- in ---- */

static const char *const outcome_names[] = {
    [CH_LETTER_ADDED] = "added",
    [CH_LETTER_KNOWN] = "known",
    [CH_LETTER_DIFFERS] = "differs",
    [CH_LETTER_FOREIGN] = "foreign",
};
G_STATIC_ASSERT(G_N_ELEMENTS(outcome_names) == CH_LETTER_IMPORTS_N);

/* What was read, and what became of it. */
typedef struct {
    ChDeadLetter **letters;
    ChLetterImport *outcomes;
    size_t n;
} Import;

static void write_line(GString *json, const void *context, size_t place)
{
    const Import *import = context;
    ch_json_add_text(json, "outcome", outcome_names[import->outcomes[place]]);
    ch_json_add_uuid(json, "id", import->letters[place]->id);
}

static void note_added(ChHttpRequest *request, const ChDeadLetter *letter)
{
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "state", ch_dead_letter_state_name(letter->state));
    ch_json_add_text(json, "queue", letter->queue);
    ch_json_add_text(json, "bodySha256", letter->body_sha256);
    ch_json_end_object(json);
    ch_http_note_change(request,
                        (ChHttpChange){ .object = "dead-letter", .id = letter->id, .after = json });
}

/* One line for all: each has its record. */
static void tell(ChHttpRequest *request, const Import *import, size_t lines)
{
    int64_t added = 0;
    for (size_t i = 0; i < import->n; i++) {
        if (import->outcomes[i] != CH_LETTER_ADDED)
            continue;
        note_added(request, import->letters[i]);
        added++;
    }
    ch_log_info("dead letters imported", CH_INT("lines", (int64_t)lines), CH_INT("added", added),
                CH_STR("by", ch_http_request_actor(request)),
                CH_TRACE(ch_http_request_trace(request)));
}

/* The valid lines. */
static bool import_lines(const ChDeadLetterAdmin *admin, ChHttpRequest *request,
                         const ChHttpLines *lines, Import *import, GError **error)
{
    import->outcomes = g_new0(ChLetterImport, import->n + 1);
    bool ok = import->n == 0 ||
              ch_dead_letter_import(admin, import->letters, import->n, import->outcomes, error);
    if (ok) {
        tell(request, import, ch_http_lines_count(lines));
        ch_http_lines_respond(request, lines, write_line, import);
    }
    g_free(import->outcomes);
    return ok;
}

static bool import_one(const ChDeadLetterAdmin *admin, ChHttpRequest *request, GError **error)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChHttpLines) lines =
        ch_http_lines_read(request, sizeof(ChDeadLetter *), ch_letter_line_read, violations);
    Import import = { .n = 0 };
    import.letters = (ChDeadLetter **)ch_http_lines_items(lines, &import.n);
    bool ok = true;
    if (ch_violations_count(violations) > 0)
        ch_http_respond_violations(request, violations);
    else
        ok = import_lines(admin, request, lines, &import, error);
    for (size_t i = 0; i < import.n; i++)
        ch_dead_letter_free(import.letters[i]);
    return ok;
}

bool ch_letter_api_import(void *admin, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!import_one(admin, requests[i], error))
            return false;
    }
    return true;
}
