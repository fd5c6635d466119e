/* JSON in: a strict parser (RFC 8259) for HTTP bodies and events.
 *
 * A document is parsed once into a flat table of tokens over a copy of the text: memory is at most
 * 16 times the input, strings are decoded in place, and numbers keep their digits, so that a
 * decimal never passes through a float. Refused: what RFC 8259 does not allow, invalid UTF-8, a
 * byte order mark, more than CH_JSON_MAX_DEPTH levels. What is legal but cannot be used (a member
 * that is there twice, \u0000, half of a surrogate pair) is refused only where somebody reads it.
 */
#pragma once

#include "chassis/core/error.h"

#include <glib.h>
#include <stddef.h>

enum {
    CH_JSON_MAX_DEPTH = 64, /* as the peers' own readers have it (System.Text.Json) */
    CH_JSON_MAX_BYTES = 16 * 1024 * 1024,
};

/** A parsed document; json.h finds things in it. */
typedef struct ChJson ChJson;

typedef enum {
    CH_JSON_ABSENT,
    CH_JSON_NULL,
    CH_JSON_FALSE,
    CH_JSON_TRUE,
    CH_JSON_NUMBER,
    CH_JSON_TEXT,
    CH_JSON_ARRAY,
    CH_JSON_OBJECT,
} ChJsonKind;

/** Parses @bytes bytes of @text, which it copies. Errors: CH_ERROR_FAILED, which say of the text
 * what it is: "is not valid JSON: line 3, column 7: why", "is nested more than 64 levels deep: line
 * 1, column 65", "begins with a byte order mark", "is longer than 16777216 bytes". */
CH_MUST_CHECK ChJson *ch_json_parse(const char *text, size_t bytes, GError **error);
void ch_json_free(ChJson *json); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChJson, ch_json_free)
