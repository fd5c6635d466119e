/* Requests of many things at once: a JSON object a line (NDJSON), and one a line in the answer, in
 * the same order. A line that is not valid costs none of the others. */
#pragma once

#include "chassis/core/violations.h"
#include "chassis/http/request.h"
#include "chassis/json/json.h"

#include <glib.h>
#include <stddef.h>

enum {
    CH_HTTP_MAX_LINES = 1000,
};

/** The lines of a request, read. */
typedef struct ChHttpLines ChHttpLines;

/** Reads the members of a line into @item, which is zero; faults become violations. Texts of @root
 * do not outlive the call. */
typedef void (*ChHttpReadLine)(ChJsonValue root, void *item, ChViolations *faults);

/** Writes the members of the answer to the valid line items[@place]; "line" is written. */
typedef void (*ChHttpWriteLine)(GString *json, const void *context, size_t place);

/** Reads each line of the body into an item of @item_bytes. What is wrong with the whole, too many
 * lines or none, becomes a violation. */
ChHttpLines *ch_http_lines_read(const ChHttpRequest *request, size_t item_bytes,
                                ChHttpReadLine read, ChViolations *violations);

/** How many lines there are, and the items of the valid ones. */
size_t ch_http_lines_count(const ChHttpLines *lines);
const void *ch_http_lines_items(const ChHttpLines *lines, size_t *n);

/** Answers 200 with a line for each: what @write_line says of it, or "invalid" with its errors. */
void ch_http_lines_respond(ChHttpRequest *request, const ChHttpLines *lines,
                           ChHttpWriteLine write_line, const void *context);

/** NULL is fine. */
void ch_http_lines_free(ChHttpLines *lines);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpLines, ch_http_lines_free)
