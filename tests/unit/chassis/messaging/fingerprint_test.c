/* What is left of a reason, and that the same cause leaves the same. */
#include "chassis/messaging/fingerprint.h"

#include <glib.h>
#include <string.h>

static void assert_fingerprint(const char *reason, const char *expected)
{
    g_autofree char *fingerprint = ch_fingerprint(reason);
    g_assert_cmpstr(fingerprint, ==, expected);
}

static void test_ids_and_numbers_are_taken_out(void)
{
    static const char *const cases[][2] = {
        { "", "" },
        { "out of memory", "out of memory" },
        { "order 0190a000-0000-7000-8000-0000000000c1 is unknown", "order # is unknown" },
        { "order ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB is unknown", "order # is unknown" },
        { "took 512 ms, at most 500.5", "took # ms, at most #" },
        { "died at 2026-11-28T05:01:02.123456Z again", "died at # again" },
        { "items 1, 2, 17 are gone", "items # are gone" },
        { "commit 4f2a9c01be is not deadbeef", "commit # is not #" },
        { "a facade of 3 words", "a facade of # words" },
        { "order_12 of utf8 and x7y9", "order_# of utf# and #" },
        { "the body has 1048577 bytes, more than 1048576", "the body has # bytes, more than #" },
        { "address 10.0.0.7:5432 refused", "address # refused" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_fingerprint(cases[i][0], cases[i][1]);
}

static void test_values_are_taken_out(void)
{
    static const char *const cases[][2] = {
        { "no column \"colour\" here", "no column \"...\" here" },
        { "unknown status 'Lost' of `orders`", "unknown status \"...\" of \"...\"" },
        { "it can't be 'it's so' now", "it can't be \"...\" now" },
        { "sagt „nein“ und «non»", "sagt \"...\" und \"...\"" },
        { "invalid input: \"cut in the mid", "invalid input: \"...\"" },
        { "Key (id)=(a, b) already exists.", "Key (id)=(...) already exists." },
        { "Failing row contains (a, null, c).", "Failing row contains (...)." },
        { "no mail to anna.b+c@shop.example now", "no mail to @ now" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_fingerprint(cases[i][0], cases[i][1]);
}

static void test_a_place_keeps_its_file_and_loses_its_line(void)
{
    assert_fingerprint("take.c:142: no stock", "take.c:#: no stock");
    assert_fingerprint("take.c:7: no stock", "take.c:#: no stock");
    assert_fingerprint("in /src/Order.cs:line 12", "in /src/Order.cs:line #");
}

static void test_white_space_is_one_space(void)
{
    assert_fingerprint("  two\n\t lines  \r\n", "two lines");
}

/* 300 letters of two bytes each: none is cut in two. */
static void test_its_length_is_bounded(void)
{
    g_autoptr(GString) reason = g_string_new(NULL);
    for (int i = 0; i < 300; i++)
        g_string_append(reason, "ä");
    g_autofree char *fingerprint = ch_fingerprint(reason->str);
    g_assert_cmpint(g_utf8_strlen(fingerprint, -1), ==, CH_FINGERPRINT_MAX_CHARS);
    g_assert_true(g_utf8_validate(fingerprint, -1, NULL));
}

static void test_what_is_no_text_is_made_one(void)
{
    g_autofree char *fingerprint = ch_fingerprint("bad \xff\xfe byte");
    g_assert_true(g_utf8_validate(fingerprint, -1, NULL));
    g_assert_true(g_str_has_prefix(fingerprint, "bad "));
}

/* It says all that there is to say: taken again it is the same. */
static void test_a_fingerprint_is_its_own(void)
{
    static const char *const reasons[] = {
        "order 0190a000-0000-7000-8000-0000000000c1: 12 of 13, \"x\" is 'y'",
        "Key (id)=(a) of x@y.example in take.c:142, 1, 2",
        "1 2 3",
        "# 5 \"\" ''",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autofree char *once = ch_fingerprint(reasons[i]);
        assert_fingerprint(once, once);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fingerprint/ids-and-numbers", test_ids_and_numbers_are_taken_out);
    g_test_add_func("/fingerprint/values", test_values_are_taken_out);
    g_test_add_func("/fingerprint/place-without-line",
                    test_a_place_keeps_its_file_and_loses_its_line);
    g_test_add_func("/fingerprint/white-space", test_white_space_is_one_space);
    g_test_add_func("/fingerprint/length", test_its_length_is_bounded);
    g_test_add_func("/fingerprint/no-text", test_what_is_no_text_is_made_one);
    g_test_add_func("/fingerprint/again-the-same", test_a_fingerprint_is_its_own);
    return g_test_run();
}
