/* JSON in: finding things in a parsed document, and where they stand. json_parse.h reads it,
 * json_read.h takes typed values out of it.
 *
 * Member names match without regard to the case of ASCII letters; unknown members are ignored,
 * whatever they hold.
 *
 *     g_autoptr(ChJson) json = ch_json_parse(body, bytes, error);
 *     ChJsonValue items = ch_json_member(ch_json_root(json), "items");
 *     for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item =
 * ch_json_next(item))
 *         ... */
#pragma once

#include "chassis/core/violations.h"
#include "chassis/json/json_parse.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** Borrowed from its document; passed by value. Zero ({0}) is "absent", on which every function
 * below is defined: nothing is found in it and it is of no kind. */
typedef struct {
    const ChJson *json;
    uint32_t token;
} ChJsonValue;

ChJsonValue ch_json_root(const ChJson *json);
bool ch_json_is_set(ChJsonValue value);
ChJsonKind ch_json_kind(ChJsonValue value);

/** How many members of an object are called @name; *first is the first of them, or absent. */
size_t ch_json_find(ChJsonValue object, const char *name, ChJsonValue *first);

/** The member @name of an object; absent when there is none, or several, or @object is no object.
 */
ChJsonValue ch_json_member(ChJsonValue object, const char *name);

/** Number of elements of an array or of members of an object; else 0. */
size_t ch_json_length(ChJsonValue value);

/** The elements of an array (or the member values of an object) in order; absent after the last. */
ChJsonValue ch_json_first(ChJsonValue container);
ChJsonValue ch_json_next(ChJsonValue element);

/** The name of a value that is a member of an object, as the document spells it, U+FFFD in place of
 * what no text can hold; NULL for others. */
const char *ch_json_name(ChJsonValue member);

/** The decoded text of a string, which never holds a zero byte; NULL for other kinds, and for a
 * string with \u0000 or half of a surrogate pair. Belongs to the document. @bytes may be NULL. */
const char *ch_json_text(ChJsonValue value, size_t *bytes);

/** From now on paths in the document spell names with their first letter in upper case, as events
 * do, and begin with @root (a constant, may be ""). */
void ch_json_spell_as_event(ChJson *json, const char *root);

/** Where the value stands: "items[0].quantity", the first letter of every name in lower case; ""
 * for the root. Free with g_free(). */
char *ch_json_path(ChJsonValue value);

/** Adds a violation for the member @name of @object (NULL: for @object itself). */
void ch_json_violation(ChJsonValue object, const char *name, ChViolations *violations,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);
