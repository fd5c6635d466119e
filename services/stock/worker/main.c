/* stock-worker: takes stock for orders, gives it back, publishes the outbox. */
#include "chassis/core/process.h"
#include "chassis/messaging/worker.h"
#include "stock/infrastructure/events.h"
#include "stock/infrastructure/pg_store.h"
#include "stock/infrastructure/topology.h"
#include "stock/stock_migrations.h"
#include "stock/worker/orders.h"

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
    { "ADMIN_LISTEN", CH_CONFIG_LISTEN, offsetof(Config, admin), "127.0.0.1:6012",
      "health and metrics", NULL },
    { "QUEUE_TYPE", CH_CONFIG_CHOICE, offsetof(Config, queue_type), "quorum",
      "type of the queues it declares", CH_QUEUE_TYPES },
    { "INBOX_RETENTION", CH_CONFIG_DURATION, offsetof(Config, inbox_retention_ms), "30d",
      "how long events are remembered; as long as dead letters may be replayed", NULL },
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

static bool run(const Config *config, GError **error)
{
    g_autoptr(ChHealth) health = ch_health_new();
    const ChWorkerConfig parts = {
        .process = "stock-worker",
        .database_url = config->common.database_url,
        .amqp_url = config->amqp_url,
        .exchange = STOCK_EVENTS_EXCHANGE,
        .schema_version = (int)stock_migrations_count,
        .queue_type = (ChQueueType)config->queue_type,
        .inbox_retention_ms = config->inbox_retention_ms,
    };
    g_autoptr(ChWorker) worker = ch_worker_new(&parts, health);
    subscribe(worker, (ChSubscriptionConfig){
                          .queue = &stock_queues[STOCK_QUEUE_ORDER_CREATED],
                          .event_type = "OrderCreatedEvent",
                          .decode = stock_created_decode,
                          .free_command = stock_created_free,
                          .handle = stock_created_handle,
                          .give_up = stock_created_give_up,
                      });
    subscribe(worker, (ChSubscriptionConfig){
                          .queue = &stock_queues[STOCK_QUEUE_ORDER_CANCELLED],
                          .event_type = "OrderCancelledEvent",
                          .decode = stock_cancelled_decode,
                          .free_command = stock_cancelled_free,
                          .handle = stock_cancelled_handle,
                      });
    ch_worker_relay(worker);
    ch_worker_housekeeping(worker);
    return ch_worker_run(worker, &config->admin, config->common.shutdown_timeout_ms, error);
}

int main(int argc, char **argv)
{
    Config config = { .amqp_url = NULL };
    int status = ch_process_init("stock-worker", "takes stock for orders and gives it back", keys,
                                 G_N_ELEMENTS(keys), &config, argc, argv);
    if (status >= 0)
        return status;
    g_autoptr(GError) error = NULL;
    status = run(&config, &error) ? 0 : ch_process_fail(error);
    ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
    return status;
}
