/* The ticker as a lane sees it: through its source. */
#include "chassis/core/ticker.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum {
    NEVER_MS = 3600 * 1000, /* a period that does not pass during a test */
    LONG_WAIT_MS = 60 * 1000,
};

/* One take; true when it brought a tick. */
static bool take(ChTicker *ticker, int wait_ms)
{
    ChSource *source = ch_ticker_source(ticker);
    void *items[1] = { NULL };
    size_t n = 42;
    g_autoptr(GError) error = NULL;
    g_assert_true(source->ops->take(source, items, 1, wait_ms, &n, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(n, <=, 1);
    if (n == 1) {
        g_assert_nonnull(items[0]);
        source->ops->settle(source, items, n);
    }
    return n == 1;
}

static void test_first_tick_is_at_once(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    g_assert_false(take(ticker, 0));
}

static void test_ticks_once_a_period(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(20);
    g_assert_true(take(ticker, 0));
    int64_t first_us = ch_time_monotonic_us();
    g_assert_true(take(ticker, LONG_WAIT_MS));
    g_assert_cmpint(ch_time_monotonic_us() - first_us, >=, 15 * 1000);
}

static void test_again_ticks_at_once(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    ch_ticker_again(ticker);
    g_assert_true(take(ticker, 0));
    g_assert_false(take(ticker, 0)); /* each again counts once */
}

static void test_next_comes_at_its_latest(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    int64_t start_us = ch_time_monotonic_us();
    ch_ticker_next(ticker, 0, 20 * 1000);
    g_assert_true(take(ticker, LONG_WAIT_MS));
    g_assert_cmpint(ch_time_monotonic_us() - start_us, >=, 20 * 1000);
    g_assert_false(take(ticker, 0)); /* that one alone */
}

static void test_ring_ticks_but_not_too_soon(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    int64_t start_us = ch_time_monotonic_us();
    ch_ticker_next(ticker, 20 * 1000, NEVER_MS * INT64_C(1000));
    ch_ticker_ring(ticker);
    g_assert_true(take(ticker, LONG_WAIT_MS));
    g_assert_cmpint(ch_time_monotonic_us() - start_us, >=, 20 * 1000);
    g_assert_false(take(ticker, 0)); /* each ring counts once */
}

static void *ring(void *ticker)
{
    ch_ticker_ring(ticker);
    return NULL;
}

static void test_ring_ends_the_wait(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    ch_ticker_next(ticker, 0, NEVER_MS * INT64_C(1000));
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, ring, ticker), ==, 0);
    g_assert_true(take(ticker, LONG_WAIT_MS)); /* whether the ring came before or during it */
    pthread_join(thread, NULL);
}

/* What rings while the handler runs is not lost: the handler may have looked before. */
static void test_ring_during_the_handler_is_heard(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    ch_ticker_ring(ticker);
    ch_ticker_next(ticker, 0, NEVER_MS * INT64_C(1000));
    g_assert_true(take(ticker, 0));
}

static void *wake(void *data)
{
    ChSource *source = data;
    source->ops->wake(source);
    return NULL;
}

static void test_wake_ends_the_wait(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    g_assert_true(take(ticker, 0));
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, wake, ch_ticker_source(ticker)), ==, 0);
    int64_t start_us = ch_time_monotonic_us();
    g_assert_false(take(ticker, LONG_WAIT_MS)); /* whether the wake came before or during it */
    g_assert_cmpint(ch_time_monotonic_us() - start_us, <, LONG_WAIT_MS * INT64_C(1000));
    pthread_join(thread, NULL);
}

static void test_holds_while_a_server_is_away(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    ChSource *source = ch_ticker_source(ticker);
    g_autoptr(GError) away = g_error_new_literal(CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
    void *items[1] = { ticker };
    g_assert_true(source->ops->hold(source, items, 1, away));
    source->ops->release(source, items, 1);
}

/* A handler that asks for more and then fails must not be called in a tight loop. */
static void test_failure_pauses(void)
{
    g_autoptr(ChTicker) ticker = ch_ticker_new(NEVER_MS);
    ChSource *source = ch_ticker_source(ticker);
    g_assert_true(take(ticker, 0));
    g_autoptr(GError) why = g_error_new_literal(CH_ERROR, CH_ERROR_FAILED, "relation is missing");

    ch_ticker_again(ticker);
    g_autoptr(GError) error = NULL;
    g_assert_true(source->ops->fail(source, ticker, why, &error));
    g_assert_no_error(error);
    g_assert_false(take(ticker, 0));

    ch_ticker_again(ticker);
    source->ops->abandon(source, ticker, why);
    g_assert_false(take(ticker, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
    g_test_add_func("/ticker/first-tick-is-at-once", test_first_tick_is_at_once);
    g_test_add_func("/ticker/ticks-once-a-period", test_ticks_once_a_period);
    g_test_add_func("/ticker/again-ticks-at-once", test_again_ticks_at_once);
    g_test_add_func("/ticker/next-comes-at-its-latest", test_next_comes_at_its_latest);
    g_test_add_func("/ticker/ring-ticks-but-not-too-soon", test_ring_ticks_but_not_too_soon);
    g_test_add_func("/ticker/ring-ends-the-wait", test_ring_ends_the_wait);
    g_test_add_func("/ticker/ring-during-the-handler-is-heard",
                    test_ring_during_the_handler_is_heard);
    g_test_add_func("/ticker/wake-ends-the-wait", test_wake_ends_the_wait);
    g_test_add_func("/ticker/holds-while-a-server-is-away", test_holds_while_a_server_is_away);
    g_test_add_func("/ticker/failure-pauses", test_failure_pauses);
    int status = g_test_run();
    close(nowhere);
    return status;
}
