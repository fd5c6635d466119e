/* JSON out: appends to a GString, commas by themselves, decimals as exact numbers.
 *
 *     GString *json = g_string_sized_new(256);
 *     ch_json_begin_object(json, NULL);
 *     ch_json_add_uuid(json, "id", order->id);
 *     ch_json_begin_array(json, "items");
 *     ...
 *     ch_json_end_array(json);
 *     ch_json_end_object(json);
 *
 * @key is the member's name (a constant, plain ASCII, written as it is) inside an object, and NULL
 * inside an array and at the root. The GString holds nothing but the one value. Nothing here fails.
 */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/uuid.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void ch_json_begin_object(GString *json, const char *key);
void ch_json_end_object(GString *json);
void ch_json_begin_array(GString *json, const char *key);
void ch_json_end_array(GString *json);

/** A string; NULL is written as null. Bytes that are not UTF-8 become U+FFFD. */
void ch_json_add_text(GString *json, const char *key, const char *text);
/** The same for @bytes bytes, which may hold zeros. */
void ch_json_add_text_n(GString *json, const char *key, const char *text, size_t bytes);
void ch_json_add_integer(GString *json, const char *key, int64_t value);
void ch_json_add_decimal(GString *json, const char *key, ChDecimal value);
void ch_json_add_uuid(GString *json, const char *key, ChUuid value);
/** RFC 3339 in UTC. */
void ch_json_add_time(GString *json, const char *key, int64_t unix_us);
void ch_json_add_bool(GString *json, const char *key, bool value);
void ch_json_add_null(GString *json, const char *key);

/** Appends @value, which must be one JSON value already (such as jsonb text from the database). */
void ch_json_add_raw(GString *json, const char *key, const char *value);
/** A member whose name is not a constant: escaped like text. The value follows with key NULL. */
void ch_json_add_name(GString *json, const char *name);
