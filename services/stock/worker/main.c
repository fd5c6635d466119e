/* stock-worker: takes stock for orders, gives it back, publishes the outbox. */
#include "chassis/runtime/process.h"
#include "chassis/runtime/worker.h"
#include "stock/infrastructure/events.h"
#include "stock/infrastructure/pg_store.h"
#include "stock/infrastructure/topology.h"
#include "stock_migrations.h"
#include "stock/worker/orders.h"

static const ChConfigKey keys[] = {
    CH_WORKER_KEYS("127.0.0.1:6012"),
};

static void free_store(void *store)
{
    stock_store_free(store);
}

/* A lane for @subscription, whose context is the lane's store. */
static void subscribe(ChWorker *worker, ChSubscriptionConfig subscription)
{
    ChPg *pg = ch_worker_connection(worker);
    StockStore *store = stock_pg_store_new(pg);
    ch_worker_own(worker, store, free_store);
    subscription.context = store;
    ch_worker_subscribe(worker, pg, &subscription);
}

/* A lane for what operators do about the dead letters of these queues. */
static void serve_dead_letters(ChWorker *worker)
{
    ChPg *pg = ch_worker_connection(worker);
    StockStore *store = stock_pg_store_new(pg);
    ch_worker_own(worker, store, free_store);
    ch_worker_serve_dead_letters(worker, pg, store);
}

static bool run(const void *settings, GError **error)
{
    const ChWorkerIdentity identity = { "stock-worker", "stock", STOCK_EVENTS_EXCHANGE,
                                        stock_migrations_count };
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChWorker) worker = ch_worker_new(&identity, settings, health);
    subscribe(worker, (ChSubscriptionConfig){
                          .queue = &stock_queues[STOCK_QUEUE_ORDER_CREATED],
                          .event_type = "OrderCreatedEvent",
                          .decode = stock_created_decode,
                          .free_command = stock_created_free,
                          .handle = stock_created_handle,
                          .give_up = stock_created_give_up,
                          .replay_blockers = stock_created_replay_blockers,
                      });
    subscribe(worker, (ChSubscriptionConfig){
                          .queue = &stock_queues[STOCK_QUEUE_ORDER_CANCELLED],
                          .event_type = "OrderCancelledEvent",
                          .decode = stock_cancelled_decode,
                          .free_command = stock_cancelled_free,
                          .handle = stock_cancelled_handle,
                          .replay_blockers = stock_cancelled_replay_blockers,
                      });
    serve_dead_letters(worker);
    ch_worker_relay(worker);
    ch_worker_housekeeping(worker);
    return ch_worker_run(worker, error);
}

int main(int argc, char **argv)
{
    ChWorkerSettings settings = { .queue_type = CH_QUEUE_QUORUM };
    return ch_process_main("stock-worker", "takes stock for orders and gives it back", keys,
                           G_N_ELEMENTS(keys), &settings, ch_worker_check, run, argc, argv);
}
