/* The lines of a head as libmicrohttpd 0.9 leaves them in its buffer.
 *
 * 0.9 (seen with 0.9.75) reads a bare LF as the end of a line, joins folded lines and ends a text
 * at a zero byte, and does not tell. But it changes its buffer in places only: CR, LF, the colon
 * and the spaces of the request line become zero bytes, and the texts that it hands out lie between
 * them. So a head was written as it should be exactly when each text begins where the one before
 * demands it. 1.0 (seen with 1.0.1) refuses such heads by itself and has another buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *next; /* where the next text has to begin; NULL: something was out of place */
} ChHttpLines;

/** The request line. @target_bytes: as it came, with the query. */
void ch_http_lines_begin(ChHttpLines *lines, const char *method, const char *target,
                         size_t target_bytes, const char *version);

/** The next header, in the order of the head. */
void ch_http_lines_header(ChHttpLines *lines, const char *name, size_t name_bytes,
                          const char *value, size_t value_bytes);

/** After the last header: false when a line was not written as it should be. @end: of the head. */
bool ch_http_lines_end(const ChHttpLines *lines, const char *end);
