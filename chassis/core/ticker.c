/* One tick at a time, at most every period. */
#include "chassis/core/ticker.h"

#include "chassis/core/cast.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/core/wait.h"

#define FAILED_PAUSE_US                                                                            \
    (1 * G_USEC_PER_SEC) /* a short period must not fill the log with one fault */

struct ChTicker {
    ChSource base;
    int64_t period_us;
    int64_t next_us;    /* lane's thread only: when the next tick is due, as is the next */
    int64_t soonest_us; /* when it is due once somebody has rung */
    ChWait wait;        /* guards all below */
    bool woken;
    bool rung;
};

static const ChSourceOps ticker_ops;

static ChTicker *ticker_of(ChSource *source)
{
    return CH_CAST(ChTicker, source, &ticker_ops);
}

static int64_t due_locked(const ChTicker *ticker)
{
    return ticker->rung ? MIN(ticker->soonest_us, ticker->next_us) : ticker->next_us;
}

/* Waits for the next tick until @give_up_us or a wake, which counts once, also one from before the
 * call. True when the tick is due. */
static bool wait_for_tick(ChTicker *ticker, int64_t give_up_us)
{
    ch_wait_lock(&ticker->wait);
    while (!ticker->woken && ch_time_monotonic_us() < MIN(give_up_us, due_locked(ticker)))
        ch_wait_sleep_locked(&ticker->wait, MIN(give_up_us, due_locked(ticker)));
    bool due = ch_time_monotonic_us() >= due_locked(ticker);
    ticker->woken = false;
    if (due)
        ticker->rung = false;
    ch_wait_unlock(&ticker->wait);
    return due;
}

static bool ticker_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error G_GNUC_UNUSED)
{
    g_assert(max > 0);
    ChTicker *ticker = ticker_of(source);
    *n = wait_for_tick(ticker, ch_time_monotonic_us() + (int64_t)wait_ms * 1000) ? 1 : 0;
    if (*n == 1) {
        items[0] = ticker;
        ticker->next_us = ch_time_monotonic_us() + ticker->period_us;
        ticker->soonest_us = 0;
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
    ticker->soonest_us = ticker->next_us;
}

static bool ticker_fail(ChSource *source, void *item G_GNUC_UNUSED, const GError *why,
                        GError **error G_GNUC_UNUSED)
{
    pass_over(ticker_of(source), why);
    return true;
}

static void ticker_abandon(ChSource *source, void *item G_GNUC_UNUSED, const GError *why)
{
    pass_over(ticker_of(source), why);
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
    ChTicker *ticker = ticker_of(source);
    ch_wait_lock(&ticker->wait);
    ticker->woken = true;
    ch_wait_wake_all_locked(&ticker->wait);
    ch_wait_unlock(&ticker->wait);
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
    ch_wait_init(&ticker->wait);
    return ticker;
}

void ch_ticker_free(ChTicker *ticker)
{
    if (ticker == NULL)
        return;
    ch_wait_clear(&ticker->wait);
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

void ch_ticker_next(ChTicker *ticker, int64_t soonest_us, int64_t latest_us)
{
    int64_t now_us = ch_time_monotonic_us();
    ticker->soonest_us = now_us + soonest_us;
    ticker->next_us = now_us + latest_us;
}

void ch_ticker_ring(ChTicker *ticker)
{
    ch_wait_lock(&ticker->wait);
    ticker->rung = true;
    ch_wait_wake_all_locked(&ticker->wait);
    ch_wait_unlock(&ticker->wait);
}
