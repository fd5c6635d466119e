/* The circuit breaker, with a clock of our own. */
#include "chassis/client/breaker.h"

#include <glib.h>

enum {
    OPEN_US = 1000
};

static void fail_times(ChBreaker *breaker, int n, int64_t now_us)
{
    for (int i = 0; i < n; i++) {
        g_assert_true(ch_breaker_allow(breaker, now_us));
        ch_breaker_failure(breaker, now_us);
    }
}

static void test_opens_after_failures_in_a_row(void)
{
    ChBreaker breaker = ch_breaker_new(3, OPEN_US);
    fail_times(&breaker, 2, 0);
    g_assert_true(ch_breaker_allow(&breaker, 0));
    ch_breaker_success(&breaker); /* the row starts again */
    fail_times(&breaker, 2, 0);
    g_assert_cmpint(breaker.state, ==, CH_BREAKER_CLOSED);
    fail_times(&breaker, 1, 5);
    g_assert_cmpint(breaker.state, ==, CH_BREAKER_OPEN);
    g_assert_false(ch_breaker_allow(&breaker, 5 + OPEN_US - 1));
}

static void test_probes_once(void)
{
    ChBreaker breaker = ch_breaker_new(1, OPEN_US);
    fail_times(&breaker, 1, 0);
    g_assert_true(ch_breaker_allow(&breaker, OPEN_US));
    g_assert_cmpint(breaker.state, ==, CH_BREAKER_HALF_OPEN);
    g_assert_false(ch_breaker_allow(&breaker, OPEN_US));
    ch_breaker_failure(&breaker, OPEN_US);
    g_assert_cmpint(breaker.state, ==, CH_BREAKER_OPEN);
    g_assert_false(ch_breaker_allow(&breaker, 2 * OPEN_US - 1));
    g_assert_true(ch_breaker_allow(&breaker, 2 * OPEN_US));
    ch_breaker_success(&breaker);
    g_assert_cmpint(breaker.state, ==, CH_BREAKER_CLOSED);
    g_assert_true(ch_breaker_allow(&breaker, 2 * OPEN_US));
}

static void test_cancelled_probe_may_be_repeated(void)
{
    ChBreaker breaker = ch_breaker_new(1, OPEN_US);
    fail_times(&breaker, 1, 0);
    g_assert_true(ch_breaker_allow(&breaker, OPEN_US));
    ch_breaker_cancel(&breaker);
    g_assert_true(ch_breaker_allow(&breaker, OPEN_US));
}

static void test_late_failures_do_not_prolong(void)
{
    ChBreaker breaker = ch_breaker_new(2, OPEN_US);
    for (int i = 0; i < 4; i++)
        g_assert_true(ch_breaker_allow(&breaker, 0));
    for (int i = 0; i < 4; i++)
        ch_breaker_failure(&breaker, i);
    g_assert_true(ch_breaker_allow(&breaker, 1 + OPEN_US)); /* opened by the second, at 1 */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/breaker/opens-after-failures-in-a-row", test_opens_after_failures_in_a_row);
    g_test_add_func("/breaker/probes-once", test_probes_once);
    g_test_add_func("/breaker/cancelled-probe-may-be-repeated",
                    test_cancelled_probe_may_be_repeated);
    g_test_add_func("/breaker/late-failures-do-not-prolong", test_late_failures_do_not_prolong);
    return g_test_run();
}
