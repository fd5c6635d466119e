/* JSON in: typed getters; what is wrong becomes a violation at its path.
 *
 *     ch_json_read_uuid(root, "customerId", CH_JSON_REQUIRED, &order.customer_id, violations);
 *     ChJsonValue items = ch_json_read_array(root, "items", CH_JSON_REQUIRED, 1, 100, violations);
 *     for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item =
 * ch_json_next(item)) ch_json_read_integer(item, "quantity", CH_JSON_REQUIRED, 1, 1000000,
 * &quantity, violations);
 *
 * True: the member was there and valid, and *value is written. False: *value is untouched, so that
 * the caller's default stays; a violation was added unless the member is optional and absent (null
 * counts as absent). A member that is there more than once is a violation in any case. */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/uuid.h"
#include "chassis/json/json.h"

enum {
    CH_JSON_MAX_NUMBER_BYTES = 64, /* longer numbers are well-formed, but no getter takes them */
};

typedef enum {
    CH_JSON_REQUIRED,
    CH_JSON_OPTIONAL
} ChJsonNeed;

/** A string in the 36-character hyphenated form; the nil UUID is a violation: it is what people
 * send who have none. */
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
