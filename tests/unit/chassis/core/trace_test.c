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
    g_assert_cmpint(memcmp(parent.span_id, child.parent_id, 8), ==, 0);
    g_assert_cmpint(child.flags, ==, parent.flags);
}

static void test_continues_what_others_sent(void)
{
    const uint8_t none[8] = { 0 };
    ChTrace mine = ch_trace_continue("00-" TRACE_ID "-" SPAN_ID "-00");
    ChTrace root = ch_trace_continue("nonsense");
    ChTrace theirs = { .flags = 0 };
    g_assert_true(ch_trace_parse("00-" TRACE_ID "-" SPAN_ID "-00", &theirs));

    g_assert_cmpint(memcmp(mine.trace_id, theirs.trace_id, 16), ==, 0);
    g_assert_cmpint(memcmp(mine.parent_id, theirs.span_id, 8), ==, 0);
    g_assert_false(ch_trace_is_sampled(mine));
    g_assert_true(ch_trace_is_set(root));
    g_assert_cmpint(memcmp(root.parent_id, none, 8), ==, 0);
}

/* Of an id whose last 63 bits are half of what they can be. */
static bool is_sampled_at(bool follows_parent, double share, const char *flags)
{
    g_autofree char *text =
        g_strconcat("00-0af7651916cd43dd8000000000000001-" SPAN_ID "-", flags, NULL);
    ch_trace_set_sampler(follows_parent, share);
    bool sampled = ch_trace_is_sampled(ch_trace_continue(text));
    ch_trace_set_sampler(true, 1);
    return sampled;
}

static void test_sampler_goes_by_the_id_or_the_parent(void)
{
    g_assert_true(is_sampled_at(false, 0.51, "00"));
    g_assert_false(is_sampled_at(false, 0.49, "01"));
    g_assert_true(is_sampled_at(false, 1, "00"));
    g_assert_false(is_sampled_at(false, 0, "01"));
    g_assert_true(is_sampled_at(true, 0, "01"));
    g_assert_false(is_sampled_at(true, 1, "00"));
}

static void test_roots_are_sampled_by_share(void)
{
    int sampled = 0;
    ch_trace_set_sampler(true, 0.25);
    for (int i = 0; i < 4000; i++)
        sampled += ch_trace_is_sampled(ch_trace_new());
    ch_trace_set_sampler(true, 1);
    g_assert_cmpint(sampled, >, 800); /* seven standard deviations */
    g_assert_cmpint(sampled, <, 1200);
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
    g_test_add_func("/trace/continue/what-others-sent", test_continues_what_others_sent);
    g_test_add_func("/trace/sampler/goes-by-the-id-or-the-parent",
                    test_sampler_goes_by_the_id_or_the_parent);
    g_test_add_func("/trace/sampler/roots-by-share", test_roots_are_sampled_by_share);
    g_test_add_func("/trace/child/of-none-is-a-root", test_child_of_none_is_a_root);
    return g_test_run();
}
