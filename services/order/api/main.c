/* order-api: orders over HTTP. */
#include "chassis/core/process.h"
#include "chassis/core/ticker.h"
#include "chassis/http/api.h"
#include "chassis/messaging/outbox_gate.h"
#include "chassis/postgres/transaction.h"
#include "order/api/routes.h"
#include "order/infrastructure/pg_store.h"
#include "order/order_migrations.h"

enum {
    GATE_PERIOD_MS = 500
};

typedef struct {
    ChConfigCommon common;
    ChListen listen;
    ChListen admin;
    int64_t outbox_max_pending;
} Config;

static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    { "HTTP_LISTEN", CH_CONFIG_LISTEN, offsetof(Config, listen), "127.0.0.1:5001",
      "where clients come", NULL },
    { "ADMIN_LISTEN", CH_CONFIG_LISTEN, offsetof(Config, admin), "127.0.0.1:6001",
      "health and metrics", NULL },
    { "OUTBOX_MAX_PENDING", CH_CONFIG_COUNT, offsetof(Config, outbox_max_pending), "1000000",
      "unpublished messages beyond which intake answers 503", NULL },
};

/* A connection of one lane. */
static ChPg *connection(const Config *config, ChHealth *health)
{
    const ChPgConfig pg = {
        .url = config->common.database_url,
        .application_name = "order-api",
        .schema_version = (int)order_migrations_count,
        .health = ch_health_part(health, "postgres"),
    };
    return ch_pg_new(&pg);
}

static bool run(const Config *config, GError **error)
{
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChPg) write_pg = connection(config, health);
    g_autoptr(ChPg) read_pg = connection(config, health);
    g_autoptr(ChPg) gate_pg = connection(config, health);
    g_autoptr(OrderStore) write_store = order_pg_store_new(write_pg);
    g_autoptr(OrderStore) read_store = order_pg_store_new(read_pg);
    g_autoptr(ChTicker) ticker = ch_ticker_new(GATE_PERIOD_MS);
    g_autoptr(ChOutboxGate) gate = ch_outbox_gate_new(gate_pg, config->outbox_max_pending);
    g_autoptr(ChApi) api = ch_api_new(health);

    ChHttpQueue *writes = ch_api_queue(api, "writes", ch_pg_work(write_pg));
    ChHttpQueue *reads = ch_api_queue(api, "reads", ch_pg_work(read_pg));
    const ChLaneConfig gate_lane = {
        .name = "outbox gate",
        .max_batch = 1,
        .source = ch_ticker_source(ticker),
        .work = ch_pg_work(gate_pg),
        .handler = ch_outbox_gate_run,
        .context = gate,
    };
    ch_api_add_lane(api, &gate_lane);
    ch_http_queue_set_gate(writes, ch_outbox_gate_admit, gate);

    ChHttpRoute routes[ORDER_ROUTES_N];
    order_routes(writes, write_store, reads, read_store, routes);
    const ChApiListen listen = { config->listen, config->admin,
                                 config->common.shutdown_timeout_ms };
    return ch_api_run(api, &listen, routes, ORDER_ROUTES_N, error);
}

int main(int argc, char **argv)
{
    Config config = { .outbox_max_pending = 0 };
    int status = ch_process_init("order-api", "takes and shows orders over HTTP", keys,
                                 G_N_ELEMENTS(keys), &config, argc, argv);
    if (status >= 0)
        return status;
    g_autoptr(GError) error = NULL;
    status = run(&config, &error) ? 0 : ch_process_fail(error);
    ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
    return status;
}
