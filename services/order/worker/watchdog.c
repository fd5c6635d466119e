/* Runs the watch every second, and counts what it sees. */
#include "order/worker/watchdog.h"

#include "chassis/core/ticker.h"
#include "chassis/postgres/work.h"
#include "chassis/telemetry/metrics.h"

enum {
    PERIOD_MS = 1000
};

CH_GAUGE(stuck, "cartwheel_orders_stuck", "orders that are not final within ORDER_STUCK_AFTER",
         NULL);
CH_COUNTER(announced_total, "cartwheel_orders_announced_again_total",
           "stuck orders whose event was sent again", NULL);

typedef struct {
    OrderWatchStore *store;
    ChTicker *ticker;
    OrderProgress *progress;
    int64_t stuck_after_us;
} Watchdog;

static void free_watchdog(void *opaque)
{
    Watchdog *watchdog = opaque;
    order_watch_store_free(watchdog->store);
    ch_ticker_free(watchdog->ticker);
    g_free(watchdog);
}

static bool watch(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    Watchdog *watchdog = context;
    OrderWatchReport report;
    if (!order_watch(watchdog->store, watchdog->stuck_after_us,
                     order_progress_us(watchdog->progress), &report, error))
        return false;
    ch_metric_set(ch_metric(&stuck, NULL), (double)report.watched);
    ch_metric_add(ch_metric(&announced_total, NULL), report.announced);
    if (report.more)
        ch_ticker_again(watchdog->ticker);
    return true;
}

void order_watchdog_add(ChWorker *worker, OrderWatchStore *(*new_store)(ChPg *pg),
                        OrderProgress *progress, int64_t stuck_after_ms)
{
    ChPg *pg = ch_worker_connection(worker);
    Watchdog *watchdog = g_new0(Watchdog, 1);
    watchdog->store = new_store(pg);
    watchdog->ticker = ch_ticker_new(PERIOD_MS);
    watchdog->progress = progress;
    watchdog->stuck_after_us = stuck_after_ms * 1000;
    ch_worker_own(worker, watchdog, free_watchdog);
    const ChLaneConfig lane = {
        .name = "stuck orders",
        .max_batch = 1,
        .source = ch_ticker_source(watchdog->ticker),
        .work = ch_pg_work(pg),
        .handler = watch,
        .context = watchdog,
    };
    ch_worker_add_lane(worker, &lane);
}
