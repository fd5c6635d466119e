/* Time: RFC 3339 both ways, the calendar, clocks, jitter. */
#include "chassis/core/time.h"

#include <glib.h>
#include <string.h>

#define SECOND INT64_C(1000000)

static void test_parse_accepts(void)
{
    static const struct {
        const char *text;
        int64_t unix_us;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-22T10:47:00.123456Z", 1795344420 * SECOND + 123456 },
        { "2026-11-22t10:47:00.123456z", 1795344420 * SECOND + 123456 },
        { "2026-11-22T10:47:00.1Z", 1795344420 * SECOND + 100000 },
        { "2026-11-22T10:47:00.1234567Z", 1795344420 * SECOND + 123456 }, /* .NET writes seven */
        { "2026-11-22T10:47:00.999999999Z", 1795344420 * SECOND + 999999 },
        { "2026-11-22T12:47:00+02:00", 1795344420 * SECOND },
        { "2026-11-22T05:17:00-05:30", 1795344420 * SECOND },
        { "2026-11-22T10:47:00-00:00", 1795344420 * SECOND },
        { "2026-11-23T10:46:00+23:59", 1795344420 * SECOND },
        { "2000-02-29T00:00:00Z", 951782400 * SECOND },
        { "2024-02-29T23:59:59Z", 1709251199 * SECOND },
        { "2016-12-31T23:59:60Z", 1483228800 * SECOND }, /* a leap second */
        { "2017-01-01T01:59:60+02:00", 1483228800 * SECOND },
        { "1969-12-31T23:59:59.5Z", -500000 },
        { "0001-01-01T00:00:00Z", -62135596800 * SECOND }, /* .NET's DateTime.MinValue */
        { "9999-12-31T23:59:59.999999Z", 253402300800 * SECOND - 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t unix_us = 42;
        g_test_message("%s", cases[i].text);
        g_assert_true(ch_time_parse(cases[i].text, strlen(cases[i].text), &unix_us));
        g_assert_cmpint(unix_us, ==, cases[i].unix_us);
    }
}

static void test_parse_refuses(void)
{
    static const char *const bad[] = {
        "",
        "now",
        "2026",
        "2026-11-22",
        "2026-11-22T10:47Z",
        "2026-11-22T10:47:00",
        "2026-11-22 10:47:00Z",
        "2026-11-22T10:47:00.Z",
        "2026-11-22T10:47:00.1234567890Z",
        "2026-11-22T10:47:00,5Z",
        "2026-11-22T10:47:00Zjunk",
        "2026-11-22T10:47:00Z ",
        " 2026-11-22T10:47:00Z",
        "2026-11-22T10:47:00+0200",
        "2026-11-22T10:47:00+02",
        "2026-11-22T10:47:00+24:00",
        "2026-11-22T10:47:00+02:60",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:47:61Z",
        "2026-11-22T10:47:60Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "-026-11-22T10:47:00Z",
        "+2026-11-22T10:47:00Z",
        "12026-11-22T10:47:00Z",
        "2026-1-22T10:47:00Z",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        int64_t unix_us = 42;
        g_test_message("%s", bad[i]);
        g_assert_false(ch_time_parse(bad[i], strlen(bad[i]), &unix_us));
        g_assert_cmpint(unix_us, ==, 42);
    }
}

static void test_parse_stops_at_the_length(void)
{
    const char *text = "2026-11-22T10:47:00.5Z";
    int64_t unix_us = 0;
    for (size_t n = 0; n < strlen(text); n++) {
        g_autofree char *exact = g_memdup2(text, MAX(n, 1)); /* a read beyond is a sanitizer's */
        g_assert_false(ch_time_parse(exact, n, &unix_us));
    }
    g_assert_false(ch_time_parse("2026-11-22T10:47:00\0Z", 21, &unix_us));
}

/* Every day of the proleptic calendar from 1970 to 9999 against GLib's. */
static void test_calendar_agrees_with_glib(void)
{
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, 1, G_DATE_JANUARY, 1970);
    char text[CH_TIME_TEXT_BYTES];
    for (int64_t day = 0; g_date_get_year(&date) < 9999; day++) {
        int64_t unix_us = day * 86400 * SECOND;
        ch_time_format(unix_us, text);
        char expected[16];
        g_snprintf(expected, sizeof expected, "%04d-%02d-%02d", g_date_get_year(&date),
                   (int)g_date_get_month(&date), g_date_get_day(&date));
        g_assert_cmpint(strncmp(text, expected, 10), ==, 0);
        int64_t back = -1;
        g_assert_true(ch_time_parse(text, strlen(text), &back));
        g_assert_cmpint(back, ==, unix_us);
        g_date_add_days(&date, 1);
    }
}

static void test_format(void)
{
    static const struct {
        int64_t unix_us;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { 1, "1970-01-01T00:00:00.000001Z" },
        { 1795344420 * SECOND + 123456, "2026-11-22T10:47:00.123456Z" },
        { 951868799 * SECOND + 999999, "2000-02-29T23:59:59.999999Z" },
        { -1, "1970-01-01T00:00:00.000000Z" }, /* outside the range: its nearest end */
        { INT64_MIN, "1970-01-01T00:00:00.000000Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999999Z" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[CH_TIME_TEXT_BYTES];
        ch_time_format(cases[i].unix_us, text);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_clocks_run(void)
{
    int64_t before = g_get_real_time();
    int64_t now = ch_time_now_us();
    g_assert_cmpint(now, >=, before - SECOND); /* a clock may be stepped a little */
    g_assert_cmpint(now, <=, g_get_real_time() + SECOND);

    int64_t earlier = ch_time_monotonic_us();
    g_assert_cmpint(ch_time_monotonic_us(), >=, earlier);
}

static void test_again_takes_one_part_at_most(void)
{
    const int64_t minute_us = INT64_C(60) * 1000000;
    int64_t start_us = ch_time_monotonic_us() - minute_us;
    g_assert_cmpint(ch_time_again_us(start_us, 20), >=, start_us + 20 * minute_us);
    g_assert_cmpint(ch_time_again_us(start_us, 20), <, start_us + 21 * minute_us);
    start_us = ch_time_monotonic_us();
    g_assert_cmpint(ch_time_again_us(start_us, 20), >=, start_us);
}

static void test_jitter_is_from_half_to_whole(void)
{
    bool seen[11] = { false };
    for (int i = 0; i < 10000; i++) {
        int wait_ms = ch_time_jitter_ms(10);
        g_assert_cmpint(wait_ms, >=, 5);
        g_assert_cmpint(wait_ms, <=, 10);
        seen[wait_ms] = true;
    }
    for (int wait_ms = 5; wait_ms <= 10; wait_ms++)
        g_assert_true(seen[wait_ms]);
    g_assert_cmpint(ch_time_jitter_ms(0), ==, 0);
    g_assert_cmpint(ch_time_jitter_ms(-5), ==, 0);
    g_assert_cmpint(ch_time_jitter_ms(INT_MAX), >=, INT_MAX / 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/time/parse/accepts", test_parse_accepts);
    g_test_add_func("/time/parse/refuses", test_parse_refuses);
    g_test_add_func("/time/parse/stops-at-the-length", test_parse_stops_at_the_length);
    g_test_add_func("/time/calendar-agrees-with-glib", test_calendar_agrees_with_glib);
    g_test_add_func("/time/format", test_format);
    g_test_add_func("/time/clocks-run", test_clocks_run);
    g_test_add_func("/time/again-takes-one-part-at-most", test_again_takes_one_part_at_most);
    g_test_add_func("/time/jitter-is-from-half-to-whole", test_jitter_is_from_half_to_whole);
    return g_test_run();
}
