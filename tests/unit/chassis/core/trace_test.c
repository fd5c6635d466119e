/* W3C trace context: what level 1 accepts, refuses and passes on. */
#include "chassis/core/trace.h"

#include <glib.h>
#include <string.h>

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN_ID "b7ad6b7169203331"

static void test_header_goes_both_ways(void)
{
    const char *header = "00-" TRACE_ID "-" SPAN_ID "-01";
    ChTrace trace = { .flags = 0 };
    g_assert_true(ch_trace_parse(header, &trace));

    char text[CH_TRACEPARENT_BYTES];
    ch_trace_format(trace, text);
    g_assert_cmpstr(text, ==, header);

    char id[CH_TRACE_ID_BYTES];
    ch_trace_id_format(trace, id);
    g_assert_cmpstr(id, ==, TRACE_ID);
}

static void test_parse_accepts_later_versions(void)
{
    static const char *const good[] = {
        "00-" TRACE_ID "-" SPAN_ID "-00",
        "01-" TRACE_ID "-" SPAN_ID "-01",
        "fe-" TRACE_ID "-" SPAN_ID "-01-what-the-future-may-bring",
        "cc-" TRACE_ID "-" SPAN_ID "-01-",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        ChTrace trace = { .flags = 0 };
        g_test_message("%s", good[i]);
        g_assert_true(ch_trace_parse(good[i], &trace));
        char text[CH_TRACEPARENT_BYTES];
        ch_trace_format(trace, text);
        g_assert_cmpint(strncmp(text, "00-" TRACE_ID "-" SPAN_ID, 52), ==, 0);
    }
}

static void test_unknown_flags_are_not_passed_on(void)
{
    ChTrace trace = { .flags = 0 };
    g_assert_true(ch_trace_parse("00-" TRACE_ID "-" SPAN_ID "-ff", &trace));
    g_assert_cmpint(trace.flags, ==, 1);
    g_assert_true(ch_trace_parse("00-" TRACE_ID "-" SPAN_ID "-fe", &trace));
    g_assert_cmpint(trace.flags, ==, 0);
}

static void test_parse_refuses(void)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE_ID "-" SPAN_ID,
        "00-" TRACE_ID "-" SPAN_ID "-1",
        "00-" TRACE_ID "-" SPAN_ID "-01-",
        "00-" TRACE_ID "-" SPAN_ID "-01 ",
        "01-" TRACE_ID "-" SPAN_ID "-01x",
        "ff-" TRACE_ID "-" SPAN_ID "-01",
        "0g-" TRACE_ID "-" SPAN_ID "-01",
        "00_" TRACE_ID "-" SPAN_ID "-01",
        "00-" TRACE_ID "_" SPAN_ID "-01",
        "00-" TRACE_ID "-" SPAN_ID "_01",
        "00-" TRACE_ID "-" SPAN_ID "-0x",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN_ID "-01",
        "00-00000000000000000000000000000000-" SPAN_ID "-01",
        "00-" TRACE_ID "-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033310-01",
        "\r\n-" TRACE_ID "-" SPAN_ID "-01",
    };
    ChTrace untouched = { .flags = 42 };
    g_assert_false(ch_trace_parse(NULL, &untouched));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("%s", bad[i]);
        g_assert_false(ch_trace_parse(bad[i], &untouched));
    }
    g_assert_cmpint(untouched.flags, ==, 42);
}

static void test_child_keeps_the_trace(void)
{
    ChTrace parent = ch_trace_new();
    ChTrace child = ch_trace_child(parent);

    g_assert_true(ch_trace_is_set(parent));
    g_assert_cmpint(parent.flags, ==, 1);
    g_assert_cmpint(memcmp(parent.trace_id, child.trace_id, 16), ==, 0);
    g_assert_cmpint(memcmp(parent.span_id, child.span_id, 8), !=, 0);
    g_assert_cmpint(child.flags, ==, parent.flags);
}

static void test_child_of_none_is_a_root(void)
{
    ChTrace none = { .flags = 0 };
    g_assert_false(ch_trace_is_set(none));
    g_assert_true(ch_trace_is_set(ch_trace_child(none)));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trace/header-goes-both-ways", test_header_goes_both_ways);
    g_test_add_func("/trace/parse/accepts-later-versions", test_parse_accepts_later_versions);
    g_test_add_func("/trace/unknown-flags-are-not-passed-on", test_unknown_flags_are_not_passed_on);
    g_test_add_func("/trace/parse/refuses", test_parse_refuses);
    g_test_add_func("/trace/child/keeps-the-trace", test_child_keeps_the_trace);
    g_test_add_func("/trace/child/of-none-is-a-root", test_child_of_none_is_a_root);
    return g_test_run();
}
