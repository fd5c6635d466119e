/* JSON in: a strict parser (RFC 8259) for HTTP bodies and events.
 *
 * A document is parsed once into a flat table of tokens over a copy of the text: memory is at most
 * 16 times the input, strings are decoded in place, and numbers keep their digits, so that a
 * decimal never passes through a float. Refused: invalid UTF-8, \u0000, lone surrogates, members
 * whose names differ only in the case of ASCII letters, more than CH_JSON_MAX_DEPTH levels,
 * anything after the value. */
#pragma once

#include "chassis/core/error.h"

#include <glib.h>
#include <stddef.h>

enum {
    CH_JSON_MAX_DEPTH = 32,
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

/** Parses @bytes bytes of @text, which it copies. Errors: CH_ERROR_FAILED, "line 3, column 7: why".
 */
CH_MUST_CHECK ChJson *ch_json_parse(const char *text, size_t bytes, GError **error);
void ch_json_free(ChJson *json); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChJson, ch_json_free)
