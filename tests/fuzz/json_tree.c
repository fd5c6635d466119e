/* Whole JSON documents. Looks into the tokens for the digits of numbers, which no getter gives. */
#include "json_tree.h"

#include "chassis/json/json_tokens.h"
#include "chassis/json/json_writer.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static char *number_text(ChJsonValue value)
{
    const ChJsonToken *token = &value.json->tokens[value.token];
    return g_strndup(value.json->text + token->start, token->bytes);
}

static void write_members(GString *json, ChJsonValue object)
{
    for (ChJsonValue member = ch_json_first(object); ch_json_is_set(member);
         member = ch_json_next(member)) {
        ch_json_add_name(json, ch_json_name(member));
        fuzz_json_write(json, NULL, member);
    }
}

static void write_elements(GString *json, ChJsonValue array)
{
    for (ChJsonValue element = ch_json_first(array); ch_json_is_set(element);
         element = ch_json_next(element))
        fuzz_json_write(json, NULL, element);
}

/* Recursion: CH_JSON_MAX_DEPTH levels at most. */
void fuzz_json_write(GString *json, const char *key, ChJsonValue value)
{
    switch (ch_json_kind(value)) {
    case CH_JSON_ABSENT:
        g_assert_not_reached();
    case CH_JSON_NULL:
        ch_json_add_null(json, key);
        return;
    case CH_JSON_FALSE:
    case CH_JSON_TRUE:
        ch_json_add_bool(json, key, ch_json_kind(value) == CH_JSON_TRUE);
        return;
    case CH_JSON_NUMBER: {
        g_autofree char *digits = number_text(value);
        ch_json_add_raw(json, key, digits);
        return;
    }
    case CH_JSON_TEXT:
        ch_json_add_text(json, key, ch_json_text(value, NULL));
        return;
    case CH_JSON_ARRAY:
        ch_json_begin_array(json, key);
        write_elements(json, value);
        ch_json_end_array(json);
        return;
    case CH_JSON_OBJECT:
        ch_json_begin_object(json, key);
        write_members(json, value);
        ch_json_end_object(json);
        return;
    }
}

static void assert_same_number(ChJsonValue ours, const json_t *theirs)
{
    g_autofree char *digits = number_text(ours);
    if (json_is_integer(theirs)) {
        errno = 0;
        g_assert_cmpint(g_ascii_strtoll(digits, NULL, 10), ==, json_integer_value(theirs));
        g_assert_cmpint(errno, ==, 0);
        return;
    }
    g_assert_true(json_is_real(theirs));
    double number = g_ascii_strtod(digits, NULL);
    g_assert_true(number == json_real_value(theirs));
}

static void assert_same_elements(ChJsonValue ours, const json_t *theirs)
{
    size_t n = 0;
    for (ChJsonValue element = ch_json_first(ours); ch_json_is_set(element);
         element = ch_json_next(element))
        fuzz_json_assert_same(element, json_array_get(theirs, n++));
    g_assert_cmpuint(n, ==, json_array_size(theirs));
    g_assert_cmpuint(n, ==, ch_json_length(ours));
}

static void assert_same_members(ChJsonValue ours, const json_t *theirs)
{
    size_t n = 0;
    for (ChJsonValue member = ch_json_first(ours); ch_json_is_set(member);
         member = ch_json_next(member)) {
        const char *name = ch_json_name(member);
        g_assert_nonnull(name);
        fuzz_json_assert_same(member, json_object_get(theirs, name));
        ChJsonValue first;
        if (ch_json_find(ours, name, &first) == 1) /* else another one differs in case alone */
            g_assert_cmpuint(first.token, ==, member.token);
        n++;
    }
    g_assert_cmpuint(n, ==, json_object_size(theirs));
    g_assert_cmpuint(n, ==, ch_json_length(ours));
}

void fuzz_json_assert_same(ChJsonValue ours, const json_t *theirs)
{
    g_assert_nonnull(theirs);
    switch (ch_json_kind(ours)) {
    case CH_JSON_ABSENT:
        g_assert_not_reached();
    case CH_JSON_NULL:
        g_assert_true(json_is_null(theirs));
        return;
    case CH_JSON_FALSE:
        g_assert_true(json_is_false(theirs));
        return;
    case CH_JSON_TRUE:
        g_assert_true(json_is_true(theirs));
        return;
    case CH_JSON_NUMBER:
        assert_same_number(ours, theirs);
        return;
    case CH_JSON_TEXT: {
        size_t bytes = 0;
        const char *text = ch_json_text(ours, &bytes);
        if (text == NULL) { /* was written again as null */
            g_assert_true(json_is_null(theirs));
            return;
        }
        g_assert_cmpuint(strlen(text), ==, bytes);
        g_assert_cmpmem(text, bytes, json_string_value(theirs), json_string_length(theirs));
        return;
    }
    case CH_JSON_ARRAY:
        assert_same_elements(ours, theirs);
        return;
    case CH_JSON_OBJECT:
        assert_same_members(ours, theirs);
        return;
    }
}

static bool is_their_limit(const json_error_t *fault)
{
    static const enum json_error_code limits[] = {
        json_error_numeric_overflow,
        json_error_duplicate_key,
        json_error_null_character,
        json_error_null_byte_in_key,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (json_error_code(fault) == limits[i])
            return true;
    }
    return strstr(fault->text, "invalid Unicode") != NULL; /* half of a surrogate pair */
}

json_t *fuzz_json_theirs(const char *text, size_t bytes, bool *is_limit)
{
    json_error_t fault;
    json_t *theirs = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    *is_limit = theirs == NULL && is_their_limit(&fault);
    return theirs;
}
