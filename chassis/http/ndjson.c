/* Lines in, lines out. */
#include "chassis/http/ndjson.h"

#include "chassis/json/json_read.h"
#include "chassis/json/json_violations.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    BYTES_A_LINE = 120, /* of an answer: a guess to begin with */
};

typedef struct {
    ChViolations *faults; /* NULL: it is valid, and ... */
    size_t place;         /* ... this one of those */
} Line;

struct ChHttpLines {
    GArray *lines; /* of Line */
    GArray *items; /* of the caller's type: the valid lines */
};

static void clear_line(void *line)
{
    ch_violations_free(((Line *)line)->faults);
}

/* ---- in ---- */

static void read_line(const char *text, size_t bytes, ChHttpReadLine read, void *item,
                      ChViolations *faults)
{
    g_autoptr(GError) error = NULL;
    if (bytes == 0) {
        ch_violations_add(faults, "", "must be a JSON object, but is empty");
        return;
    }
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, &error);
    if (json == NULL) {
        ch_violations_add(faults, "", "%s", error->message);
        return;
    }
    if (ch_json_expect_object(ch_json_root(json), faults))
        read(ch_json_root(json), item, faults);
}

static void add_line(ChHttpLines *lines, const char *text, size_t bytes, ChHttpReadLine read)
{
    guint place = lines->items->len;
    Line line = { NULL, place };
    g_autoptr(ChViolations) faults = ch_violations_new();
    g_array_set_size(lines->items, place + 1); /* zero */
    read_line(text, bytes, read,
              lines->items->data + (gsize)place * g_array_get_element_size(lines->items), faults);
    if (ch_violations_count(faults) > 0) {
        line.faults = g_steal_pointer(&faults);
        g_array_set_size(lines->items, place);
    }
    g_array_append_val(lines->lines, line);
}

/* What follows the last line's end is a line only when it is not empty. */
ChHttpLines *ch_http_lines_read(const ChHttpRequest *request, size_t item_bytes,
                                ChHttpReadLine read, ChViolations *violations)
{
    ChHttpLines *lines = g_new0(ChHttpLines, 1);
    size_t bytes;
    const char *text = ch_http_request_body(request, &bytes);
    lines->lines = g_array_new(FALSE, FALSE, sizeof(Line));
    lines->items = g_array_new(FALSE, TRUE, (guint)item_bytes);
    g_array_set_clear_func(lines->lines, clear_line);
    while (bytes > 0 && lines->lines->len < CH_HTTP_MAX_LINES) {
        const char *end = memchr(text, '\n', bytes);
        size_t line = end == NULL ? bytes : (size_t)(end - text);
        add_line(lines, text, line, read);
        size_t used = end == NULL ? line : line + 1;
        text += used;
        bytes -= used;
    }
    if (bytes > 0)
        ch_violations_add(violations, "", "must have at most %d lines", CH_HTTP_MAX_LINES);
    if (lines->lines->len == 0)
        ch_violations_add(violations, "", "must have a line");
    return lines;
}

size_t ch_http_lines_count(const ChHttpLines *lines)
{
    return lines->lines->len;
}

const void *ch_http_lines_items(const ChHttpLines *lines, size_t *n)
{
    *n = lines->items->len;
    return lines->items->data;
}

/* ---- out ---- */

void ch_http_lines_respond(ChHttpRequest *request, const ChHttpLines *lines,
                           ChHttpWriteLine write_line, const void *context)
{
    GString *answer = g_string_sized_new((gsize)lines->lines->len * BYTES_A_LINE);
    g_autoptr(GString) json = g_string_new(NULL);
    for (guint i = 0; i < lines->lines->len; i++) {
        const Line *line = &g_array_index(lines->lines, Line, i);
        g_string_truncate(json, 0);
        ch_json_begin_object(json, NULL);
        ch_json_add_integer(json, "line", (int64_t)i + 1);
        if (line->faults == NULL) {
            write_line(json, context, line->place);
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

void ch_http_lines_free(ChHttpLines *lines)
{
    if (lines == NULL)
        return;
    g_array_unref(lines->lines);
    g_array_unref(lines->items);
    g_free(lines);
}
