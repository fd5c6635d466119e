/* One tick at a time, at most every period. */
#include "chassis/core/ticker.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define FAILED_PAUSE_US                                                                            \
    (1 * G_USEC_PER_SEC) /* a short period must not fill the log with one fault */

struct ChTicker {
    ChSource base; /* first: the cast back is valid */
    int64_t period_us;
    int64_t next_us; /* lane's thread only: when the next tick is due */
    bool woken;      /* guarded by mutex */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* woken was set */
};

/* Waits until @until_us or a wake, which counts once, also one from before the call. */
static void wait_until(ChTicker *ticker, int64_t until_us)
{
    struct timespec until = { .tv_sec = until_us / G_USEC_PER_SEC,
                              .tv_nsec = (until_us % G_USEC_PER_SEC) * 1000 };
    pthread_mutex_lock(&ticker->mutex);
    while (!ticker->woken) {
        if (pthread_cond_timedwait(&ticker->changed, &ticker->mutex, &until) == ETIMEDOUT)
            break;
    }
    ticker->woken = false;
    pthread_mutex_unlock(&ticker->mutex);
}

static bool ticker_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error G_GNUC_UNUSED)
{
    g_assert(max > 0);
    ChTicker *ticker = (ChTicker *)source;
    int64_t give_up_us = ch_time_monotonic_us() + (int64_t)wait_ms * 1000;
    if (ch_time_monotonic_us() < ticker->next_us)
        wait_until(ticker, MIN(give_up_us, ticker->next_us));
    int64_t now_us = ch_time_monotonic_us();
    *n = now_us >= ticker->next_us ? 1 : 0;
    if (*n == 1) {
        items[0] = ticker;
        ticker->next_us = now_us + ticker->period_us;
    }
    return true;
}

static void ticker_settle(ChSource *source G_GNUC_UNUSED, void *const *items G_GNUC_UNUSED,
                          size_t n G_GNUC_UNUSED)
{
}

/* A tick stands for no data: what it should have done is still in the database, and the next tick
 * finds it, not before a pause, whatever the handler asked for before it failed. */
static void pass_over(ChTicker *ticker, const GError *why)
{
    ch_log_error("a periodic task failed", CH_ERR(why));
    ticker->next_us = ch_time_monotonic_us() + MAX(ticker->period_us, FAILED_PAUSE_US);
}

static bool ticker_fail(ChSource *source, void *item G_GNUC_UNUSED, const GError *why,
                        GError **error G_GNUC_UNUSED)
{
    pass_over((ChTicker *)source, why);
    return true;
}

static void ticker_abandon(ChSource *source, void *item G_GNUC_UNUSED, const GError *why)
{
    pass_over((ChTicker *)source, why);
}

static bool ticker_hold(ChSource *source G_GNUC_UNUSED, void *const *items G_GNUC_UNUSED,
                        size_t n G_GNUC_UNUSED, const GError *why G_GNUC_UNUSED)
{
    return true;
}

static void ticker_release(ChSource *source G_GNUC_UNUSED, void *const *items G_GNUC_UNUSED,
                           size_t n G_GNUC_UNUSED)
{
}

static void ticker_wake(ChSource *source)
{
    ChTicker *ticker = (ChTicker *)source;
    pthread_mutex_lock(&ticker->mutex);
    ticker->woken = true;
    pthread_cond_broadcast(&ticker->changed);
    pthread_mutex_unlock(&ticker->mutex);
}

static const ChSourceOps ticker_ops = {
    .take = ticker_take,
    .settle = ticker_settle,
    .fail = ticker_fail,
    .abandon = ticker_abandon,
    .hold = ticker_hold,
    .release = ticker_release,
    .wake = ticker_wake,
};

ChTicker *ch_ticker_new(int period_ms)
{
    g_assert(period_ms > 0);
    ChTicker *ticker = g_new0(ChTicker, 1);
    ticker->base.ops = &ticker_ops;
    ticker->period_us = (int64_t)period_ms * 1000;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&ticker->mutex, NULL);
    pthread_cond_init(&ticker->changed, &clock);
    pthread_condattr_destroy(&clock);
    return ticker;
}

void ch_ticker_free(ChTicker *ticker)
{
    if (ticker == NULL)
        return;
    pthread_cond_destroy(&ticker->changed);
    pthread_mutex_destroy(&ticker->mutex);
    g_free(ticker);
}

ChSource *ch_ticker_source(ChTicker *ticker)
{
    return &ticker->base;
}

void ch_ticker_again(ChTicker *ticker)
{
    ticker->next_us = 0;
}
