/* order-worker: what becomes of the stock settles the order; the outbox is published. */
#include "chassis/core/process.h"
#include "chassis/messaging/worker.h"
#include "order/infrastructure/events.h"
#include "order/infrastructure/pg_store.h"
#include "order/infrastructure/topology.h"
#include "order/order_migrations.h"
#include "order/worker/housekeeping.h"
#include "order/worker/stock_results.h"

static const ChConfigKey keys[] = {
    CH_WORKER_KEYS("127.0.0.1:6011"),
};

/* A lane for the queue order_queues[@queue]. */
static void subscribe(ChWorker *worker, int queue, void *(*decode)(const ChEvent *, ChViolations *))
{
    ChPg *pg = ch_worker_connection(worker);
    OrderStore *store = order_pg_store_new(pg);
    ch_worker_own(worker, store, order_pg_store_free);
    const ChSubscriptionConfig subscription = {
        .queue = &order_queues[queue],
        .event_type = order_queues[queue].routing_key,
        .decode = decode,
        .free_command = order_stock_results_free,
        .handle = order_stock_results_handle,
        .context = store,
    };
    ch_worker_subscribe(worker, pg, &subscription);
}

static bool run(const void *settings, GError **error)
{
    const ChWorkerIdentity identity = { "order-worker", "order", ORDER_EVENTS_EXCHANGE,
                                        order_migrations_count };
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChWorker) worker = ch_worker_new(&identity, settings, health);
    subscribe(worker, ORDER_QUEUE_STOCK_COMPLETED, order_stock_completed_decode);
    subscribe(worker, ORDER_QUEUE_STOCK_FAILED, order_stock_failed_decode);
    ch_worker_relay(worker);
    ch_worker_housekeeping(worker);
    order_housekeeping_add(worker, order_pg_store_new);
    return ch_worker_run(worker, error);
}

int main(int argc, char **argv)
{
    ChWorkerSettings settings = { .amqp_url = NULL };
    return ch_process_main("order-worker", "settles orders and publishes their events", keys,
                           G_N_ELEMENTS(keys), &settings, NULL, run, argc, argv);
}
