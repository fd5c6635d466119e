/* order-worker: what becomes of the stock settles the order; the outbox is published. */
#include "chassis/core/process.h"
#include "chassis/messaging/worker.h"
#include "order/infrastructure/events.h"
#include "order/infrastructure/pg_store.h"
#include "order/infrastructure/topology.h"
#include "order/order_migrations.h"
#include "order/worker/housekeeping.h"
#include "order/worker/stock_results.h"

typedef struct {
    ChConfigCommon common;
    char *amqp_url;
    ChListen admin;
    int queue_type;
    int64_t inbox_retention_ms;
} Config;

static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    { "AMQP_URL", CH_CONFIG_SECRET, offsetof(Config, amqp_url), NULL,
      "RabbitMQ, amqp://user:password@host:port/vhost", NULL },
    { "ADMIN_LISTEN", CH_CONFIG_LISTEN, offsetof(Config, admin), "127.0.0.1:6011",
      "health and metrics", NULL },
    { "QUEUE_TYPE", CH_CONFIG_CHOICE, offsetof(Config, queue_type), "quorum",
      "type of the queues it declares", CH_QUEUE_TYPES },
    { "INBOX_RETENTION", CH_CONFIG_DURATION, offsetof(Config, inbox_retention_ms), "30d",
      "how long events are remembered; as long as dead letters may be replayed", NULL },
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

static bool run(const Config *config, GError **error)
{
    g_autoptr(ChHealth) health = ch_health_new();
    const ChWorkerConfig parts = {
        .process = "order-worker",
        .database_url = config->common.database_url,
        .amqp_url = config->amqp_url,
        .exchange = ORDER_EVENTS_EXCHANGE,
        .schema_version = (int)order_migrations_count,
        .queue_type = (ChQueueType)config->queue_type,
        .inbox_retention_ms = config->inbox_retention_ms,
    };
    g_autoptr(ChWorker) worker = ch_worker_new(&parts, health);
    subscribe(worker, ORDER_QUEUE_STOCK_COMPLETED, order_stock_completed_decode);
    subscribe(worker, ORDER_QUEUE_STOCK_FAILED, order_stock_failed_decode);
    ch_worker_relay(worker);
    ch_worker_housekeeping(worker);
    order_housekeeping_add(worker, order_pg_store_new);
    return ch_worker_run(worker, &config->admin, config->common.shutdown_timeout_ms, error);
}

int main(int argc, char **argv)
{
    Config config = { .amqp_url = NULL };
    int status = ch_process_init("order-worker", "settles orders and publishes their events", keys,
                                 G_N_ELEMENTS(keys), &config, argc, argv);
    if (status >= 0)
        return status;
    g_autoptr(GError) error = NULL;
    status = run(&config, &error) ? 0 : ch_process_fail(error);
    ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
    return status;
}
