/* JSON in: a strict reader (RFC 8259) for HTTP bodies and events.
 *
 * A document is parsed once into a flat table of tokens over a copy of the text: memory is at most
 * 16 times the input, strings are decoded in place, and numbers keep their digits, so that a
 * decimal never passes through a float. Refused: invalid UTF-8, \u0000, lone surrogates, members
 * whose names differ only in the case of ASCII letters, more than CH_JSON_MAX_DEPTH levels,
 * anything after the value.
 *
 * Member names match without regard to the case of ASCII letters; unknown members are ignored.
 *
 *     g_autoptr(ChJson) json = ch_json_parse(body, bytes, error);
 *     ChJsonValue root = ch_json_root(json);
 *     ch_json_read_uuid(root, "customerId", CH_JSON_REQUIRED, &order.customer_id, violations);
 *     ChJsonValue items = ch_json_read_array(root, "items", CH_JSON_REQUIRED, 1, 100, violations);
 *     for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item =
 * ch_json_next(item)) ch_json_read_integer(item, "quantity", CH_JSON_REQUIRED, 1, 1000000,
 * &quantity, violations);
 */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/error.h"
#include "chassis/core/uuid.h"
#include "chassis/core/violations.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_JSON_MAX_DEPTH = 32,
    CH_JSON_MAX_BYTES = 16 * 1024 * 1024,
    CH_JSON_MAX_NUMBER_BYTES = 64, /* longer numbers are well-formed, but no getter takes them */
};

typedef struct ChJson ChJson;

/** Borrowed from its document; passed by value. Zero ({0}) is "absent", on which every function
 * below is defined: nothing is found in it and it is of no kind. */
typedef struct {
    const ChJson *json;
    uint32_t token;
} ChJsonValue;

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

ChJsonValue ch_json_root(const ChJson *json);
bool ch_json_is_set(ChJsonValue value);
ChJsonKind ch_json_kind(ChJsonValue value);

/** The member @name of an object, absent when there is none or @object is no object. */
ChJsonValue ch_json_member(ChJsonValue object, const char *name);

/** Number of elements of an array or of members of an object; else 0. */
size_t ch_json_length(ChJsonValue value);

/** The elements of an array (or the member values of an object) in order; absent after the last. */
ChJsonValue ch_json_first(ChJsonValue container);
ChJsonValue ch_json_next(ChJsonValue element);

/** The name of a value that is a member of an object, as the document spells it; NULL for others.
 */
const char *ch_json_name(ChJsonValue member);

/** The decoded text of a string, which never holds a zero byte; NULL for other kinds. Belongs to
 * the document. @bytes may be NULL. */
const char *ch_json_text(ChJsonValue value, size_t *bytes);

/** Where the value stands: "items[0].quantity", the first letter of every name in lower case; ""
 * for the root. Free with g_free(). */
char *ch_json_path(ChJsonValue value);

/** Adds a violation for the member @name of @object (NULL: for @object itself). */
void ch_json_violation(ChJsonValue object, const char *name, ChViolations *violations,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Typed getters. True: the member was there and valid, and *value is written. False: *value is
 * untouched, so that the caller's default stays; a violation was added unless the member is
 * optional and absent (null counts as absent). */

typedef enum {
    CH_JSON_REQUIRED,
    CH_JSON_OPTIONAL
} ChJsonNeed;

/** A string in the 36-character hyphenated form. */
bool ch_json_read_uuid(ChJsonValue object, const char *name, ChJsonNeed need, ChUuid *value,
                       ChViolations *violations);

/** A number written without point and exponent, from @min to @max. */
bool ch_json_read_integer(ChJsonValue object, const char *name, ChJsonNeed need, int64_t min,
                          int64_t max, int64_t *value, ChViolations *violations);

/** A number from @min to @max with at most 4 decimals, exact. */
bool ch_json_read_decimal(ChJsonValue object, const char *name, ChJsonNeed need, ChDecimal min,
                          ChDecimal max, ChDecimal *value, ChViolations *violations);

/** A string of @min_chars to @max_chars characters (Unicode code points). *text belongs to the
 * document. */
bool ch_json_read_text(ChJsonValue object, const char *name, ChJsonNeed need, size_t min_chars,
                       size_t max_chars, const char **text, ChViolations *violations);

bool ch_json_read_bool(ChJsonValue object, const char *name, ChJsonNeed need, bool *value,
                       ChViolations *violations);

/** A string that holds an RFC 3339 time. */
bool ch_json_read_time(ChJsonValue object, const char *name, ChJsonNeed need, int64_t *unix_us,
                       ChViolations *violations);

/** An array of @min to @max elements; absent (with a violation unless optional and missing)
 * otherwise. */
ChJsonValue ch_json_read_array(ChJsonValue object, const char *name, ChJsonNeed need, size_t min,
                               size_t max, ChViolations *violations);

/** An object; absent (with a violation unless optional and missing) otherwise. */
ChJsonValue ch_json_read_object(ChJsonValue object, const char *name, ChJsonNeed need,
                                ChViolations *violations);

/** True when @value (an array's element, or the root) is an object; else adds a violation for it.
 */
bool ch_json_expect_object(ChJsonValue value, ChViolations *violations);
