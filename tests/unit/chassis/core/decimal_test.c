/* Decimals: every form JSON writes, every edge of the range. */
#include "chassis/core/decimal.h"

#include <glib.h>

static void test_parse_accepts(void)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        { "0", 0 },
        { "-0", 0 },
        { "-0.0000", 0 },
        { "0.000000000000000000000000000000", 0 },
        { "0e999999999999999999", 0 },
        { "1", 10000 },
        { "12.5", 125000 },
        { "-12.5", -125000 },
        { "0.0001", 1 },
        { "-0.0001", -1 },
        { "1.50000", 15000 },
        { "1.5000000000000000000000000000", 15000 },
        { "1e2", 1000000 },
        { "1E+2", 1000000 },
        { "1.5e1", 150000 },
        { "100000e-5", 10000 },
        { "1e-4", 1 },
        { "10e-5", 1 },
        { "0.00001e1", 1 },
        { "9999999.9999", 99999999999 },
        { "999999999999.9999", 9999999999999999 },
        { "922337203685477.5807", INT64_MAX },
        { "-922337203685477.5808", INT64_MIN },
        { "9223372036854775807e-4", INT64_MAX },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ChDecimal value = 42;
        g_test_message("%s", cases[i].text);
        g_assert_true(ch_decimal_parse(cases[i].text, &value));
        g_assert_cmpint(value, ==, cases[i].value);
    }
}

static void test_parse_refuses(void)
{
    static const char *const bad[] = {
        "",
        "-",
        "+1",
        ".5",
        "5.",
        "-.5",
        "01",
        "00",
        "-01",
        "1,5",
        "1.5.0",
        " 1",
        "1 ",
        "1.-5",
        "0x10",
        "1e",
        "1e+",
        "1e-",
        "1e2.5",
        "1ee2",
        "e2",
        "Infinity",
        "NaN",
        "nan",
        "--1",
        "1-",
        "1_000",
        "\xef\xbc\x91",
        "0.00001",
        "1.23456",
        "1e-5",
        "15e-5",
        "0.00011",
        "-0.00001",
        "922337203685477.5808",
        "-922337203685477.5809",
        "922337203685478",
        "1e15",
        "1e18",
        "1e400",
        "1e99999999999999",
        "1e-99999999999999",
        "99999999999999999999999999999999",
        "9223372036854775808e-4",
        "18446744073709551616e-4",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ChDecimal value = 42;
        g_test_message("%s", bad[i]);
        g_assert_false(ch_decimal_parse(bad[i], &value));
        g_assert_cmpint(value, ==, 42);
    }
}

static void test_format_is_shortest(void)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 1, "0.0001" },
        { -1, "-0.0001" },
        { 10000, "1" },
        { 30000, "3" },
        { 125000, "12.5" },
        { 10100, "1.01" },
        { -15000, "-1.5" },
        { 1000000, "100" },
        { 100010, "10.001" },
        { INT64_MAX, "922337203685477.5807" },
        { INT64_MIN, "-922337203685477.5808" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[CH_DECIMAL_TEXT_BYTES];
        ch_decimal_format(cases[i].value, text);
        g_assert_cmpstr(text, ==, cases[i].text);
        ChDecimal back = 42;
        g_assert_true(ch_decimal_parse(text, &back));
        g_assert_cmpint(back, ==, cases[i].value);
    }
}

static void test_format_with_decimals(void)
{
    static const struct {
        int64_t value;
        int decimals;
        const char *text;
    } cases[] = {
        { 199000, 2, "19.90" },
        { 400000, 2, "40.00" },
        { 5000000, 0, "500" },
        { 0, 2, "0.00" },
        { 1, 2, "0.0001" },
        { 199990, 2, "19.999" },
        { 5005000, 0, "500.5" },
        { 125000, 3, "12.500" },
        { 10000, 4, "1.0000" },
        { -15000, 2, "-1.50" },
        { INT64_MIN, 4, "-922337203685477.5808" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[CH_DECIMAL_TEXT_BYTES];
        ch_decimal_format_with(cases[i].value, cases[i].decimals, text);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_arithmetic_refuses_overflow(void)
{
    ChDecimal result = 42;

    g_assert_true(ch_decimal_multiply(99999999999, 1000000, &result)); /* the dearest line */
    g_assert_cmpint(result, ==, 99999999999000000);
    g_assert_true(ch_decimal_multiply(-10000, 3, &result));
    g_assert_cmpint(result, ==, -30000);
    g_assert_true(ch_decimal_add(INT64_MAX - 1, 1, &result));
    g_assert_cmpint(result, ==, INT64_MAX);

    result = 42;
    g_assert_false(ch_decimal_multiply(INT64_MAX, 2, &result));
    g_assert_false(ch_decimal_multiply(INT64_MIN, -1, &result));
    g_assert_false(ch_decimal_add(INT64_MAX, 1, &result));
    g_assert_false(ch_decimal_add(INT64_MIN, -1, &result));
    g_assert_cmpint(result, ==, 42);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decimal/parse/accepts", test_parse_accepts);
    g_test_add_func("/decimal/parse/refuses", test_parse_refuses);
    g_test_add_func("/decimal/format/is-shortest", test_format_is_shortest);
    g_test_add_func("/decimal/format/with-decimals", test_format_with_decimals);
    g_test_add_func("/decimal/arithmetic/refuses-overflow", test_arithmetic_refuses_overflow);
    return g_test_run();
}
