/* The JSON reader and writer: strictness, exactness, paths of violations. jansson is the second
 * opinion. */
#include "chassis/json/json_read.h"
#include "chassis/json/json_violations.h"
#include "chassis/json/json_writer.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static ChJson *must_parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ChJson *json = ch_json_parse(text, strlen(text), &error);
    g_assert_no_error(error);
    g_assert_nonnull(json);
    return json;
}

static void must_refuse(const char *text, size_t bytes, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, &error);
    g_assert_null(json);
    g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==, why);
}

static void assert_violations(const ChViolations *violations, const char *expected)
{
    g_autofree char *text = ch_violations_text(violations);
    g_assert_cmpstr(text, ==, expected);
}

static void test_reads_an_order(void)
{
    g_autoptr(ChJson) json =
        must_parse("{\"CustomerId\":\"0190a5c4-0000-7000-8000-000000000001\",\"unknown\":[{}],"
                   "\"items\":[{\"quantity\":3,\"UNITPRICE\":12.5},{\"quantity\":1000000,"
                   "\"unitPrice\":1e2}]}");
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChJsonValue root = ch_json_root(json);
    ChUuid customer = { { 0 } };
    g_assert_true(ch_json_read_uuid(root, "customerId", CH_JSON_REQUIRED, &customer, violations));
    g_assert_cmpint(customer.bytes[15], ==, 1);
    ChJsonValue items = ch_json_read_array(root, "items", CH_JSON_REQUIRED, 1, 2, violations);
    int64_t quantity[2] = { 0 };
    ChDecimal price[2] = { 0 };
    size_t n = 0;
    for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item = ch_json_next(item)) {
        g_assert_true(ch_json_expect_object(item, violations));
        ch_json_read_integer(item, "quantity", CH_JSON_REQUIRED, 1, 1000000, &quantity[n],
                             violations);
        ch_json_read_decimal(item, "unitPrice", CH_JSON_OPTIONAL, 0, 99999999999, &price[n],
                             violations);
        n++;
    }
    assert_violations(violations, "");
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmpint(quantity[0], ==, 3);
    g_assert_cmpint(quantity[1], ==, 1000000);
    g_assert_cmpint(price[0], ==, 125000);
    g_assert_cmpint(price[1], ==, 1000000);
}

static void test_names_every_violation(void)
{
    g_autoptr(ChJson) json =
        must_parse("{\"Items\":[{\"Quantity\":0},{\"quantity\":1.0},7,{\"quantity\":\"3\"},"
                   "{\"quantity\":99999999999999999999},{\"quantity\":-99999999999999999999}],"
                   "\"note\":\"\\u00e4\\u00e4\\u00e4\",\"at\":\"today\",\"on\":1,\"sub\":[],"
                   "\"price\":0.00001,\"text\":5}");
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChJsonValue root = ch_json_root(json);
    ChUuid uuid = { { 0 } };
    int64_t number = -7;
    const char *text = NULL;
    bool on = false;
    ChDecimal price = 0;
    ch_json_read_uuid(root, "customerId", CH_JSON_REQUIRED, &uuid, violations);
    ChJsonValue items = ch_json_read_array(root, "items", CH_JSON_REQUIRED, 1, 100, violations);
    for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item = ch_json_next(item)) {
        if (ch_json_expect_object(item, violations))
            ch_json_read_integer(item, "quantity", CH_JSON_REQUIRED, 1, 10, &number, violations);
    }
    ch_json_read_text(root, "note", CH_JSON_OPTIONAL, 0, 2, &text, violations);
    ch_json_read_time(root, "at", CH_JSON_OPTIONAL, &number, violations);
    ch_json_read_bool(root, "on", CH_JSON_OPTIONAL, &on, violations);
    ch_json_read_object(root, "sub", CH_JSON_OPTIONAL, violations);
    ch_json_read_decimal(root, "price", CH_JSON_OPTIONAL, 0, 50000, &price, violations);
    ch_json_read_text(root, "text", CH_JSON_OPTIONAL, 0, 2, &text, violations);
    ch_json_read_array(root, "sub", CH_JSON_OPTIONAL, 1, 2, violations);
    ch_json_read_text(root, "missing", CH_JSON_OPTIONAL, 1, 2, &text, violations);
    ch_json_violation(ch_json_first(items), "product", violations, "is %s", "odd");
    assert_violations(violations,
                      "customerId is required; items[0].quantity must be at least 1; "
                      "items[1].quantity must be an integer; items[2] must be an object; "
                      "items[3].quantity must be an integer; items[4].quantity must be at most 10; "
                      "items[5].quantity must be at least 1; note must have at most 2 characters; "
                      "at must be a time such as 2026-11-22T10:47:00Z; on must be true or false; "
                      "sub must be an object; "
                      "price must be from 0 to 5 with at most 4 decimals; text must be a string; "
                      "sub must have at least 1 element; items[0].product is odd");
    g_assert_cmpint(number, ==, -7);
    g_assert_null(text);
}

static void test_decimals_are_exact(void)
{
    static const struct {
        const char *text;
        bool valid;
        ChDecimal value;
    } rows[] = {
        { "0.1", true, 1000 },
        { "9999999.9999", true, 99999999999 },
        { "1e2", true, 1000000 },
        { "123456789012.3456", true, 1234567890123456 },
        { "999999999999.9999", true, 9999999999999999 },
        { "-0.0001", true, -1 },
        { "1.50000000", true, 15000 },
        { "0.00001", false, 0 },
        { "1e400", false, 0 },
        { "99999999999999999999", false, 0 },
        { "0.10000000000000000000000000000000000000000000000000000000000000000000", false, 0 },
        { "\"1\"", false, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("{\"v\":%s}", rows[i].text);
        g_autoptr(ChJson) json = must_parse(text);
        g_autoptr(ChViolations) violations = ch_violations_new();
        ChDecimal value = 0;
        bool valid = ch_json_read_decimal(ch_json_root(json), "v", CH_JSON_REQUIRED, INT64_MIN,
                                          INT64_MAX, &value, violations);
        g_test_message("%s", rows[i].text);
        g_assert_true(valid == rows[i].valid);
        g_assert_cmpint(value, ==, rows[i].value);
        g_assert_true(valid == (ch_violations_count(violations) == 0));
    }
}

static void test_refuses_what_is_not_json(void)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "", "line 1, column 1: a value was expected" },
        { "{\n  \"a\": x}", "line 2, column 8: not a value" },
        { "[\"\\ud800\\u004\"]", "line 1, column 11: \\u without four hexadecimal digits" },
        { "[\"\xff\"]", "line 1, column 3: not UTF-8" },
        { "[01]", "line 1, column 2: a number with a leading zero" },
        { "[1.]", "line 1, column 2: a number without digits behind its point" },
        { "[1e]", "line 1, column 2: a number without digits in its exponent" },
        { "[NaN]", "line 1, column 2: not a value" },
        { "[1,]", "line 1, column 4: not a value" },
        { "{\"a\":1,}", "line 1, column 8: a member's name was expected" },
        { "{} {}", "line 1, column 4: something behind the value" },
        { "[\"\t\"]", "line 1, column 3: a control character in a string" },
        { "[\"abc", "line 1, column 6: a string without an end" },
        { "[\"\\x\"]", "line 1, column 4: an unknown escape" },
        { "{\"a\":\"\xef\xbb\xbf\"}\xef\xbb\xbf", "line 1, column 12: something behind the value" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *why = g_strconcat("is not valid JSON: ", rows[i].why, NULL);
        must_refuse(rows[i].text, strlen(rows[i].text), why);
    }
    must_refuse("[\"a\0b\"]", 7, "is not valid JSON: line 1, column 4: not UTF-8");
}

static void test_names_what_it_does_not_take(void)
{
    static const char marked[] = "\xef\xbb\xbf{}";
    must_refuse(marked, strlen(marked), "begins with a byte order mark");
    must_refuse(marked, 3, "begins with a byte order mark");
    g_autofree char *deepest = g_strnfill(2 * 64, ']');
    memset(deepest, '[', 64);
    g_autoptr(ChJson) json = must_parse(deepest);
    g_assert_cmpuint(ch_json_length(ch_json_root(json)), ==, 1);
    g_autofree char *deeper = g_strdup_printf("\n[%s]", deepest);
    must_refuse(deeper, strlen(deeper), "is nested more than 64 levels deep: line 2, column 65");
}

/* What nobody reads may be anything that is legal. */
static void test_passes_over_what_is_not_read(void)
{
    GString *text = g_string_new("{\"odd\":{\"a\":1,\"A\":2,\"a\":\"\\u0000\"},\"odd\":\"\\ud800\","
                                 "\"\\udc00\":[\"\\ud800\\u0041\"],\"n\":7");
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(text, ",\"m%d\":0", i);
    g_string_append_c(text, '}');
    g_autoptr(ChJson) json = must_parse(text->str);
    g_autoptr(ChViolations) violations = ch_violations_new();
    int64_t number = 0;
    g_assert_true(
        ch_json_read_integer(ch_json_root(json), "n", CH_JSON_REQUIRED, 1, 9, &number, violations));
    g_assert_cmpint(number, ==, 7);
    assert_violations(violations, "");
    g_string_free(text, TRUE);
}

static void test_refuses_what_is_read_and_cannot_be_used(void)
{
    g_autoptr(ChJson) json = must_parse(
        "{\"twice\":1,\"TWICE\":2,\"o\":{\"\\u0061\":null,\"a\":[]},\"zero\":\"a\\u0000b\","
        "\"high\":\"\\ud800\\u0041\",\"low\":\"\\udc00\",\"whole\":\"\\ud800\\ud83d\\ude00\"}");
    static const char *const flawed[] = { "zero", "high", "low", "whole" };
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChJsonValue root = ch_json_root(json);
    const char *text = NULL;
    int64_t number = -7;
    ch_json_read_integer(root, "twice", CH_JSON_OPTIONAL, 1, 9, &number, violations);
    ChJsonValue object = ch_json_read_object(root, "o", CH_JSON_REQUIRED, violations);
    ch_json_read_array(object, "a", CH_JSON_OPTIONAL, 0, 9, violations);
    assert_violations(violations, "twice must not be there more than once; "
                                  "o.a must not be there more than once");
    g_assert_false(ch_json_is_set(ch_json_member(root, "twice")));
    g_assert_cmpint(number, ==, -7);
    for (size_t i = 0; i < G_N_ELEMENTS(flawed); i++) {
        g_autoptr(ChViolations) one = ch_violations_new();
        g_autofree char *expected =
            g_strconcat(flawed[i], " must not hold \\u0000 or half of a surrogate pair", NULL);
        ch_json_read_text(root, flawed[i], CH_JSON_OPTIONAL, 0, 9, &text, one);
        assert_violations(one, expected);
        g_assert_null(ch_json_text(ch_json_member(root, flawed[i]), NULL));
    }
    g_assert_null(text);
}

static void test_the_nil_uuid_names_nothing(void)
{
    g_autoptr(ChJson) json = must_parse("{\"id\":\"00000000-0000-0000-0000-000000000000\","
                                        "\"next\":\"00000000-0000-0000-0000-000000000001\"}");
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChJsonValue root = ch_json_root(json);
    ChUuid id = { { 7 } };
    g_assert_false(ch_json_read_uuid(root, "id", CH_JSON_OPTIONAL, &id, violations));
    assert_violations(violations, "id must not be the nil UUID, which names nothing");
    g_assert_cmpint(id.bytes[0], ==, 7);
    g_assert_true(ch_json_read_uuid(root, "next", CH_JSON_OPTIONAL, &id, violations));
    g_assert_cmpint(id.bytes[15], ==, 1);
}

static void test_decodes_text(void)
{
    g_autoptr(ChJson) json =
        must_parse(" [ \"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\" , \"\\u00e4\\ud83d\\ude00\" , \"\" ] ");
    ChJsonValue value = ch_json_first(ch_json_root(json));
    size_t bytes = 0;
    g_assert_cmpstr(ch_json_text(value, &bytes), ==, "a\"\\/\b\f\n\r\tz");
    g_assert_cmpuint(bytes, ==, 10);
    value = ch_json_next(value);
    g_assert_cmpstr(ch_json_text(value, NULL), ==, "\xc3\xa4\xf0\x9f\x98\x80");
    value = ch_json_next(value);
    g_assert_cmpstr(ch_json_text(value, NULL), ==, "");
    g_assert_false(ch_json_is_set(ch_json_next(value)));
}

/* One random document after another, most of them broken by one byte: we and jansson agree. */
static void test_agrees_with_jansson(void)
{
    static const char *const seeds[] = {
        "{\"a\":[1,2.5e3,-0,true,false,null],\"b\":{\"c\":\"\\u00e4\\ud83d\\ude00 x\\n\"}}",
        "[{\"EventId\":\"x\",\"Data\":{\"Items\":[{\"Q\":1},{\"Q\":2}]}},[],{},\"\\\\\",0.0]",
    };
    static const char alphabet[] = "{}[]\",:\\u0123456789abcdefnrtl+-.eE \t\n\x01\x80\xc3\xff";
    g_autoptr(GRand) random = g_rand_new_with_seed(20261122);
    for (int round = 0; round < 100000; round++) {
        char text[160];
        const char *seed = seeds[g_rand_int(random) % G_N_ELEMENTS(seeds)];
        size_t bytes = strlen(seed);
        memcpy(text, seed, bytes);
        for (guint32 n = g_rand_int(random) % 4; n > 0; n--)
            text[g_rand_int(random) % bytes] =
                alphabet[g_rand_int(random) % (sizeof(alphabet) - 1)];
        json_error_t fault;
        json_t *theirs = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
        g_autoptr(ChJson) ours = ch_json_parse(text, bytes, NULL);
        /* jansson refuses numbers out of a double's or int64's range, halves of surrogate pairs and
         * names with zeros. */
        bool is_their_limit =
            theirs == NULL &&
            (strstr(fault.text, "big") != NULL || strstr(fault.text, "overflow") != NULL ||
             strstr(fault.text, "invalid Unicode") != NULL || strstr(fault.text, "NUL") != NULL);
        if (!is_their_limit && (theirs == NULL) != (ours == NULL))
            g_error("disagree on %.*s: %s", (int)bytes, text, theirs ? "theirs" : fault.text);
        json_decref(theirs);
    }
}

static void test_writes(void)
{
    GString *json = g_string_new(NULL);
    ChUuid id = { { 1, 0x90 } };
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", id);
    ch_json_add_decimal(json, "total", 125000);
    ch_json_add_integer(json, "least", INT64_MIN);
    ch_json_add_time(json, "at", 0);
    ch_json_add_text(json, "text", "q\"b\\n\n\x01\xc3\xa4");
    ch_json_add_text(json, "bad", "a\xff");
    ch_json_add_text(json, "none", NULL);
    ch_json_add_text_n(json, "zero", "a\0b", 3);
    ch_json_begin_array(json, "list");
    ch_json_begin_object(json, NULL);
    ch_json_end_object(json);
    ch_json_add_bool(json, NULL, true);
    ch_json_add_raw(json, NULL, "{\"x\":1}");
    ch_json_begin_array(json, NULL);
    ch_json_end_array(json);
    ch_json_end_array(json);
    ch_json_add_name(json, "odd\"name");
    ch_json_add_null(json, NULL);
    ch_json_end_object(json);
    g_assert_cmpstr(json->str, ==,
                    "{\"id\":\"01900000-0000-0000-0000-000000000000\",\"total\":12.5,"
                    "\"least\":-9223372036854775808,\"at\":\"1970-01-01T00:00:00.000000Z\","
                    "\"text\":\"q\\\"b\\\\n\\n\\u0001\xc3\xa4\",\"bad\":\"a\xef\xbf\xbd\","
                    "\"none\":null,\"zero\":\"a\xef\xbf\xbd"
                    "b\",\"list\":[{},true,{\"x\":1},[]],\"odd\\\"name\":null}");
    g_autoptr(ChJson) read = must_parse(json->str);
    g_assert_cmpuint(ch_json_length(ch_json_root(read)), ==, 10);
    g_string_free(json, TRUE);
}

static void test_paths_as_events_spell_them(void)
{
    g_autoptr(ChJson) json = must_parse("{\"data\":{\"items\":[{\"quantity\":0}]}}");
    g_autoptr(ChJson) inner = must_parse("{}");
    g_autoptr(ChViolations) violations = ch_violations_new();
    int64_t number = 0;
    ch_json_spell_as_event(json, "");
    ch_json_spell_as_event(inner, "Data");
    ChJsonValue data = ch_json_member(ch_json_root(json), "Data");
    ChJsonValue item = ch_json_first(ch_json_member(data, "Items"));
    ch_json_read_integer(item, "Quantity", CH_JSON_REQUIRED, 1, 9, &number, violations);
    ch_json_read_integer(ch_json_root(inner), "Quantity", CH_JSON_REQUIRED, 1, 9, &number,
                         violations);
    assert_violations(violations,
                      "Data.Items[0].Quantity must be at least 1; Data.Quantity is required");
}

static void test_violations_are_grouped_and_bounded(void)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    ch_violations_add(violations, "a", "is %d", 1);
    ch_violations_add(violations, "b", "is 2");
    ch_violations_add(violations, "a", "is 3");
    GString *json = g_string_new(NULL);
    ch_json_add_violations(json, NULL, violations);
    g_assert_cmpstr(json->str, ==, "{\"a\":[\"is 1\",\"is 3\"],\"b\":[\"is 2\"]}");
    g_string_free(json, TRUE);
    for (int i = 3; i < CH_VIOLATIONS_MAX + 39; i++)
        ch_violations_add(violations, "c", "x");
    g_assert_cmpuint(ch_violations_count(violations), ==, CH_VIOLATIONS_MAX + 39);
    g_autofree char *text = ch_violations_text(violations);
    g_assert_true(g_str_has_suffix(text, "; and 39 more"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/reads-an-order", test_reads_an_order);
    g_test_add_func("/json/names-every-violation", test_names_every_violation);
    g_test_add_func("/json/decimals-are-exact", test_decimals_are_exact);
    g_test_add_func("/json/refuses-what-is-not-json", test_refuses_what_is_not_json);
    g_test_add_func("/json/names-what-it-does-not-take", test_names_what_it_does_not_take);
    g_test_add_func("/json/passes-over-what-is-not-read", test_passes_over_what_is_not_read);
    g_test_add_func("/json/refuses-what-is-read-and-cannot-be-used",
                    test_refuses_what_is_read_and_cannot_be_used);
    g_test_add_func("/json/the-nil-uuid-names-nothing", test_the_nil_uuid_names_nothing);
    g_test_add_func("/json/decodes-text", test_decodes_text);
    g_test_add_func("/json/agrees-with-jansson", test_agrees_with_jansson);
    g_test_add_func("/json/writes", test_writes);
    g_test_add_func("/json/paths-as-events-spell-them", test_paths_as_events_spell_them);
    g_test_add_func("/violations/are-grouped-and-bounded", test_violations_are_grouped_and_bounded);
    return g_test_run();
}
