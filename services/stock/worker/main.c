/* stock-worker: takes stock for orders, gives it back, publishes the outbox. */
#include "chassis/runtime/process.h"
#include "chassis/runtime/worker.h"
#include "stock/infrastructure/events.h"
#include "stock/infrastructure/pg_invariants.h"
#include "stock/infrastructure/pg_store.h"
#include "stock/infrastructure/topology.h"
#include "stock_migrations.h"
#include "stock/worker/orders.h"

static const ChConfigKey keys[] = {
    CH_WORKER_KEYS("127.0.0.1:6012"),
    CH_OUTCOMES_KEYS,
};

/* What it consumes, and what it does with that. */
static const struct {
    const ChQueue *queue;
    ChSubscriptionConfig (*with)(const ChQueue *queue, StockStore *store);
} subscriptions[] = {
    { &stock_queues[STOCK_QUEUE_ORDER_CREATED], stock_created_subscription },
    { &stock_queues[STOCK_QUEUE_ORDER_CANCELLED], stock_cancelled_subscription },
};

static StockStore *new_store(ChWorker *worker, ChPg *pg)
{
    StockStore *store = stock_pg_store_new(pg);
    ch_worker_own(worker, store, stock_store_free);
    return store;
}

/* A lane for each queue. */
static void subscribe(ChWorker *worker)
{
    for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++) {
        ChPg *pg = ch_worker_connection(worker);
        const ChSubscriptionConfig subscription =
            subscriptions[i].with(subscriptions[i].queue, new_store(worker, pg));
        ch_worker_subscribe(worker, pg, &subscription);
    }
}

/* A lane for what operators do about the dead letters of these queues, and one for their jobs. */
static void serve_dead_letters(ChWorker *worker)
{
    static void (*const serve[])(ChWorker *, ChPg *, const ChSubscriptionConfig *, size_t) = {
        ch_worker_serve_dead_letters,
        ch_worker_replay,
    };
    for (size_t lane = 0; lane < G_N_ELEMENTS(serve); lane++) {
        ChSubscriptionConfig consumers[G_N_ELEMENTS(subscriptions)];
        ChPg *pg = ch_worker_connection_on_demand(worker);
        StockStore *store = new_store(worker, pg);
        for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++)
            consumers[i] = subscriptions[i].with(subscriptions[i].queue, store);
        serve[lane](worker, pg, consumers, G_N_ELEMENTS(consumers));
    }
}

static bool run(const void *settings, GError **error)
{
    const ChWorkerIdentity identity = { "stock-worker", "stock", STOCK_EVENTS_EXCHANGE,
                                        stock_migrations_count, "OrderId" };
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChWorker) worker = ch_worker_new(&identity, settings, health);
    subscribe(worker);
    serve_dead_letters(worker);
    ch_worker_relay(worker);
    ch_worker_housekeeping(worker);
    ch_worker_audit(worker, stock_invariants, STOCK_INVARIANTS_N, &stock_outcomes);
    return ch_worker_run(worker, error);
}

int main(int argc, char **argv)
{
    const ChProcess process = {
        .name = "stock-worker",
        .purpose = "takes stock for orders and gives it back",
        .keys = keys,
        .keys_n = G_N_ELEMENTS(keys),
        .check = ch_worker_check,
        .run = run,
    };
    ChWorkerSettings settings = { .queue_type = CH_QUEUE_QUORUM };
    return ch_process_main(&process, &settings, argc, argv);
}
