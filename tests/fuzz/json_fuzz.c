/* The JSON reader and writer. Input: the document. jansson must agree on what is JSON and on what
 * it says; what is written again must read the same. */
#include "fuzz.h"
#include "chassis/json/json_read.h"
#include "json_tree.h"

#include "chassis/json/json_violations.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    MAX_HEAP_FACTOR = 16, /* chassis/json/json.h promises it */
    HEAP_ALLOWANCE = 1024,
    MAX_FAULT_BYTES = 128,
};

/* What we refuse and JSON itself does not. */
static bool is_our_limit(const GError *error)
{
    return g_str_has_prefix(error->message, "is nested more than ");
}

/* jansson passes over a zero byte behind a number; JSON does not. */
static void check_refusal(const GError *error, const json_t *theirs, bool has_zero)
{
    fuzz_assert_error(error, CH_ERROR_FAILED, MAX_FAULT_BYTES);
    g_assert_true(theirs == NULL || is_our_limit(error) || has_zero);
}

/* Every getter on every member: true only with a value within its limits. */
static void check_getters(ChJsonValue object, ChViolations *violations)
{
    for (ChJsonValue member = ch_json_first(object); ch_json_is_set(member);
         member = ch_json_next(member)) {
        const char *name = ch_json_name(member);
        int64_t number = 0;
        ChDecimal decimal = 0;
        const char *text = NULL;
        ChUuid uuid;
        bool flag;
        g_autofree char *path = ch_json_path(member);
        g_assert_true(g_utf8_validate(path, -1, NULL));
        if (ch_json_read_integer(object, name, CH_JSON_REQUIRED, -5, 1000000, &number, violations))
            g_assert_true(number >= -5 && number <= 1000000);
        if (ch_json_read_decimal(object, name, CH_JSON_OPTIONAL, 0, 99999, &decimal, violations))
            g_assert_true(decimal >= 0 && decimal <= 99999);
        if (ch_json_read_text(object, name, CH_JSON_REQUIRED, 1, 8, &text, violations))
            g_assert_true(g_utf8_strlen(text, -1) >= 1 && g_utf8_strlen(text, -1) <= 8);
        ch_json_read_uuid(object, name, CH_JSON_REQUIRED, &uuid, violations);
        ch_json_read_bool(object, name, CH_JSON_OPTIONAL, &flag, violations);
        ch_json_read_time(object, name, CH_JSON_OPTIONAL, &number, violations);
        ch_json_read_array(object, name, CH_JSON_OPTIONAL, 1, 2, violations);
        check_getters(ch_json_read_object(object, name, CH_JSON_OPTIONAL, violations), violations);
    }
}

static void check_violations(ChJsonValue root)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    check_getters(root, violations);
    GString *json = g_string_new(NULL);
    ch_json_begin_object(json, NULL);
    ch_json_add_violations(json, "errors", violations);
    ch_json_end_object(json);
    json_t *theirs = json_loadb(json->str, json->len, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(theirs);
    json_decref(theirs);
    g_string_free(json, TRUE);
    g_autofree char *text = ch_violations_text(violations);
    g_assert_true(g_utf8_validate(text, -1, NULL));
}

static void check_rewriting(ChJsonValue root)
{
    GString *once = g_string_new(NULL);
    GString *twice = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    fuzz_json_write(once, NULL, root);
    g_autoptr(ChJson) again = ch_json_parse(once->str, once->len, &error);
    g_assert_no_error(error);
    fuzz_json_write(twice, NULL, ch_json_root(again));
    g_assert_cmpstr(once->str, ==, twice->str);
    bool is_their_limit = false;
    json_t *theirs = fuzz_json_theirs(once->str, once->len, &is_their_limit);
    g_assert_true(theirs != NULL || is_their_limit);
    if (theirs != NULL)
        fuzz_json_assert_same(root, theirs);
    json_decref(theirs);
    g_string_free(once, TRUE);
    g_string_free(twice, TRUE);
}

/* Any bytes become a string of valid JSON. */
static void check_text_writer(const uint8_t *bytes, size_t n)
{
    GString *json = g_string_new(NULL);
    ch_json_begin_array(json, NULL);
    ch_json_add_text_n(json, NULL, (const char *)bytes, n);
    ch_json_end_array(json);
    g_autofree char *expected = g_utf8_make_valid((const char *)bytes, (gssize)n);
    json_t *theirs = json_loadb(json->str, json->len, 0, NULL);
    g_assert_nonnull(theirs);
    g_assert_cmpstr(json_string_value(json_array_get(theirs, 0)), ==, expected);
    json_decref(theirs);
    g_string_free(json, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    g_autofree uint8_t *text = fuzz_rest(&input, &n);
    bool is_their_limit = false;
    json_t *theirs = fuzz_json_theirs((const char *)text, n, &is_their_limit);
    g_autoptr(GError) error = NULL;
    size_t heap_before = fuzz_heap_bytes();
    g_autoptr(ChJson) ours = ch_json_parse((const char *)text, n, &error);
    g_assert_cmpuint(fuzz_heap_bytes() - heap_before, <=, MAX_HEAP_FACTOR * n + HEAP_ALLOWANCE);
    if (ours == NULL) {
        check_refusal(error, theirs, memchr(text, 0, n) != NULL);
    } else {
        g_assert_true(theirs != NULL || is_their_limit);
        if (theirs != NULL)
            fuzz_json_assert_same(ch_json_root(ours), theirs);
        check_rewriting(ch_json_root(ours));
        check_violations(ch_json_root(ours));
    }
    json_decref(theirs);
    check_text_writer(text, n);
    return 0;
}
