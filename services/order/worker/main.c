/* order-worker: what becomes of the stock settles the order; the outbox is published. */
#include "chassis/core/config_values.h"
#include "chassis/runtime/process.h"
#include "chassis/runtime/worker.h"
#include "order/infrastructure/events.h"
#include "order/infrastructure/pg_compare.h"
#include "order/infrastructure/pg_invariants.h"
#include "order/infrastructure/pg_reads.h"
#include "order/infrastructure/pg_store.h"
#include "order/infrastructure/pg_upkeep.h"
#include "order/infrastructure/pg_watch.h"
#include "order/infrastructure/topology.h"
#include "order_migrations.h"
#include "order/worker/announce_api.h"
#include "order/worker/digests.h"
#include "order/worker/housekeeping.h"
#include "order/worker/stock_results.h"
#include "order/worker/watchdog.h"

#include <string.h>

enum {
    LEAST_STUCK_AFTER_MS = 1000
};

#define NO_DEADLINE "off"

typedef struct {
    ChWorkerSettings worker;
    int64_t stuck_after_ms;
    char *deadline;
} Settings;

static const ChConfigKey keys[] = {
    CH_WORKER_KEYS("127.0.0.1:6011"),
    { "ORDER_STUCK_AFTER", CH_CONFIG_DURATION, offsetof(Settings, stuck_after_ms), "5m",
      "age at which an order that is not final is announced again", NULL },
    { "ORDER_DEADLINE", CH_CONFIG_TEXT, offsetof(Settings, deadline), NO_DEADLINE,
      "age at which an order that had no answer is cancelled; off: never", NULL },
};

/* *ms 0: there is none. False: it is neither that nor a time. */
static bool deadline_of(const Settings *settings, int64_t *ms)
{
    *ms = 0;
    return strcmp(settings->deadline, NO_DEADLINE) == 0 ||
           ch_config_parse_duration(settings->deadline, ms);
}

static bool check_deadline(const Settings *settings, GError **error)
{
    int64_t ms = 0;
    if (deadline_of(settings, &ms) && (ms == 0 || ms >= settings->stuck_after_ms))
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                "ORDER_DEADLINE: expected off, or a time of ORDER_STUCK_AFTER or more");
    return false;
}

static bool check(const void *opaque, GError **error)
{
    const Settings *settings = opaque;
    if (!ch_worker_check(&settings->worker, error))
        return false;
    if (settings->stuck_after_ms >= LEAST_STUCK_AFTER_MS)
        return check_deadline(settings, error);
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "ORDER_STUCK_AFTER: expected 1s or more");
    return false;
}

/* What it consumes, and what it does with that. */
static const struct {
    const ChQueue *queue;
    ChSubscriptionConfig (*with)(const ChQueue *queue, OrderStockResultsContext *context);
} subscriptions[] = {
    { &order_queues[ORDER_QUEUE_STOCK_COMPLETED], order_stock_completed_subscription },
    { &order_queues[ORDER_QUEUE_STOCK_FAILED], order_stock_failed_subscription },
};

static void free_compare_store(gpointer store)
{
    order_compare_store_free(store);
}

/* Takes @store. */
static OrderStockResultsContext *new_context(ChWorker *worker, OrderStore *store,
                                             OrderProgress *progress)
{
    OrderStockResultsContext *context = g_new0(OrderStockResultsContext, 1);
    ch_worker_own(worker, context, g_free);
    context->store = store;
    context->progress = progress;
    ch_worker_own(worker, context->store, order_store_free);
    return context;
}

static ChSubscriptionConfig digests_on(ChWorker *worker, ChPg *pg, ChAuditor *auditor)
{
    OrderDigestsContext *context = g_new0(OrderDigestsContext, 1);
    ch_worker_own(worker, context, g_free);
    context->store = order_pg_compare_new(pg);
    ch_worker_own(worker, context->store, free_compare_store);
    context->auditor = auditor;
    return order_digests_subscription(&order_queues[ORDER_QUEUE_DIGESTS], context);
}

/* A lane for each queue. */
static void subscribe(ChWorker *worker, OrderProgress *progress, ChAuditor *auditor)
{
    for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++) {
        ChPg *pg = ch_worker_connection(worker);
        const ChSubscriptionConfig subscription = subscriptions[i].with(
            subscriptions[i].queue, new_context(worker, order_pg_store_new(pg), progress));
        ch_worker_subscribe(worker, pg, &subscription);
    }
    ChPg *pg = ch_worker_connection(worker);
    const ChSubscriptionConfig digests = digests_on(worker, pg, auditor);
    order_digests_expect();
    ch_worker_subscribe(worker, pg, &digests);
}

/* A lane for what operators do about the dead letters of these queues, and one for their jobs.
 * These handle letters only to roll it back: nobody else is to hear of that. */
static void serve_dead_letters(ChWorker *worker, ChAuditor *auditor)
{
    static void (*const serve[])(ChWorker *, ChPg *, const ChSubscriptionConfig *, size_t) = {
        ch_worker_serve_dead_letters,
        ch_worker_replay,
    };
    OrderProgress *unheeded = g_new0(OrderProgress, 1);
    ch_worker_own(worker, unheeded, g_free);
    for (size_t lane = 0; lane < G_N_ELEMENTS(serve); lane++) {
        ChSubscriptionConfig consumers[G_N_ELEMENTS(subscriptions) + 1];
        ChPg *pg = ch_worker_connection_on_demand(worker);
        OrderStockResultsContext *context =
            new_context(worker, order_pg_trial_store_new(pg), unheeded);
        for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++)
            consumers[i] = subscriptions[i].with(subscriptions[i].queue, context);
        consumers[G_N_ELEMENTS(subscriptions)] = digests_on(worker, pg, auditor);
        serve[lane](worker, pg, consumers, G_N_ELEMENTS(consumers));
    }
}

/* A lane for orders that operators announce again. */
static void serve_announcements(ChWorker *worker)
{
    ChPg *pg = ch_worker_connection_on_demand(worker);
    OrderAnnounceApi *api = g_new0(OrderAnnounceApi, 1);
    ch_worker_own(worker, api, g_free);
    api->operators = ch_worker_operators(worker);
    api->reads = order_pg_reads_new(pg);
    ch_worker_own(worker, api->reads, order_reads_free);
    api->store = order_pg_store_new(pg);
    ch_worker_own(worker, api->store, order_store_free);
    ch_worker_serve(worker, pg, &order_announce_routes, api);
}

static bool run(const void *opaque, GError **error)
{
    const Settings *settings = opaque;
    const ChWorkerIdentity identity = { "order-worker", "order", ORDER_EVENTS_EXCHANGE,
                                        order_migrations_count, "OrderId" };
    g_autoptr(ChHealth) health = ch_health_new();
    OrderProgress progress = { .newest_us = 0 }; /* outlives the worker's lanes */
    g_autoptr(ChWorker) worker = ch_worker_new(&identity, &settings->worker, health);
    ChAuditor *auditor = ch_worker_audit(worker, order_invariants, ORDER_INVARIANTS_N, NULL);
    subscribe(worker, &progress, auditor);
    serve_dead_letters(worker, auditor);
    serve_announcements(worker);
    ch_worker_relay(worker);
    ch_worker_housekeeping(worker);
    order_housekeeping_add(worker, order_pg_upkeep_new);
    OrderWatchdogConfig watchdog = { order_pg_watch_new, order_pg_store_new, &progress,
                                     settings->stuck_after_ms, 0 };
    deadline_of(settings, &watchdog.deadline_ms);
    order_watchdog_add(worker, &watchdog);
    return ch_worker_run(worker, error);
}

int main(int argc, char **argv)
{
    const ChProcess process = {
        .name = "order-worker",
        .purpose = "settles orders and publishes their events",
        .keys = keys,
        .keys_n = G_N_ELEMENTS(keys),
        .check = check,
        .run = run,
    };
    Settings settings = { .stuck_after_ms = 0 };
    return ch_process_main(&process, &settings, argc, argv);
}
