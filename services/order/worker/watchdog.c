/* Runs the watch every second, and counts what it sees. */
#include "order/worker/watchdog.h"

#include "chassis/core/ticker.h"
#include "chassis/postgres/work.h"
#include "chassis/telemetry/metrics.h"
#include "order/application/settle.h"

enum {
    PERIOD_MS = 1000
};

CH_GAUGE(stuck, "cartwheel_orders_stuck", "orders that are not final within ORDER_STUCK_AFTER",
         NULL);
CH_COUNTER(announced_total, "cartwheel_orders_announced_again_total",
           "stuck orders whose event was sent again", NULL);

CH_COUNTER(given_up_total, "cartwheel_orders_given_up_total",
           "orders cancelled because they had no answer within ORDER_DEADLINE", NULL);

typedef struct {
    OrderWatchStore *store;
    OrderStore *orders;
    ChTicker *ticker;
    OrderProgress *progress;
    int64_t stuck_after_us;
    int64_t deadline_us; /* 0: none */
} Watchdog;

static void free_watchdog(void *opaque)
{
    Watchdog *watchdog = opaque;
    order_watch_store_free(watchdog->store);
    order_store_free(watchdog->orders);
    ch_ticker_free(watchdog->ticker);
    g_free(watchdog);
}

/* Also while another copy watches: each order is cancelled once. */
static bool give_up_overdue(Watchdog *watchdog, GError **error)
{
    g_autoptr(GArray) ids = NULL;
    int64_t given_up = 0;
    if (watchdog->deadline_us == 0)
        return true;
    if (!watchdog->store->ops->overdue(watchdog->store, watchdog->deadline_us, ORDER_WATCH_OVERDUE,
                                       &ids, error))
        return false;
    if (ids->len == 0)
        return true;
    if (!order_give_up(watchdog->orders, (const ChUuid *)(void *)ids->data, ids->len, &given_up,
                       error))
        return false;
    ch_metric_add(ch_metric(&given_up_total, NULL), given_up);
    if (given_up == ORDER_WATCH_OVERDUE)
        ch_ticker_again(watchdog->ticker);
    return true;
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
    return give_up_overdue(watchdog, error);
}

void order_watchdog_add(ChWorker *worker, const OrderWatchdogConfig *config)
{
    ChPg *pg = ch_worker_connection(worker);
    Watchdog *watchdog = g_new0(Watchdog, 1);
    watchdog->store = config->new_store(pg);
    watchdog->orders = config->new_orders(pg);
    watchdog->ticker = ch_ticker_new(PERIOD_MS);
    watchdog->progress = config->progress;
    watchdog->stuck_after_us = config->stuck_after_ms * 1000;
    watchdog->deadline_us = config->deadline_ms * 1000;
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
