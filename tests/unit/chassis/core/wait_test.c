/* Waiting for a flag, and waking a thread that polls. */
#include "chassis/core/wait.h"

#include "chassis/core/time.h"

#include <poll.h>

enum {
    LONG_US = 60 * 1000 * 1000
};

typedef struct {
    ChWait wait;
    atomic_bool flag;
} Shared;

static void *raise_it(void *data)
{
    Shared *shared = data;
    ch_wait_raise(&shared->wait, &shared->flag);
    return NULL;
}

static void test_raised_flag_ends_the_wait(void)
{
    Shared shared = { .flag = false };
    ch_wait_init(&shared.wait);
    int64_t start_us = ch_time_monotonic_us();
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, raise_it, &shared), ==, 0);
    g_assert_true(ch_wait_for(&shared.wait, &shared.flag, start_us + LONG_US));
    g_assert_cmpint(ch_time_monotonic_us() - start_us, <, LONG_US);
    pthread_join(thread, NULL);
    ch_wait_clear(&shared.wait);
}

static void test_deadline_ends_the_wait(void)
{
    Shared shared = { .flag = false };
    ch_wait_init(&shared.wait);
    int64_t deadline_us = ch_time_monotonic_us() + 10 * 1000;
    g_assert_false(ch_wait_for(&shared.wait, &shared.flag, deadline_us));
    g_assert_cmpint(ch_time_monotonic_us(), >=, deadline_us);
    ch_wait_clear(&shared.wait);
}

static bool is_readable(const ChWakeup *wakeup)
{
    struct pollfd ready = { .fd = wakeup->fd, .events = POLLIN };
    return poll(&ready, 1, 0) == 1;
}

static void test_wakeup_is_kept_until_it_is_taken(void)
{
    ChWakeup wakeup;
    g_autoptr(GError) error = NULL;
    g_assert_true(ch_wakeup_open(&wakeup, &error));
    g_assert_false(is_readable(&wakeup));
    g_assert_false(ch_wakeup_take(&wakeup));
    ch_wakeup_set(&wakeup);
    ch_wakeup_set(&wakeup);
    g_assert_true(is_readable(&wakeup));
    g_assert_true(ch_wakeup_take(&wakeup));
    g_assert_false(is_readable(&wakeup)); /* two wakes before are one */
    ch_wakeup_close(&wakeup);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wait/raised-flag-ends-the-wait", test_raised_flag_ends_the_wait);
    g_test_add_func("/wait/deadline-ends-the-wait", test_deadline_ends_the_wait);
    g_test_add_func("/wait/wakeup-is-kept-until-it-is-taken",
                    test_wakeup_is_kept_until_it_is_taken);
    return g_test_run();
}
