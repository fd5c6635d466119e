/* order-api: orders over HTTP. */
#include "chassis/core/ticker.h"
#include "chassis/messaging/outbox_gate.h"
#include "chassis/postgres/work.h"
#include "chassis/runtime/api.h"
#include "chassis/runtime/operator_lanes.h"
#include "chassis/runtime/process.h"
#include "order/api/lists.h"
#include "order/api/routes.h"
#include "order/api/wait_orders.h"
#include "order/api/write_orders.h"
#include "order/infrastructure/pg_erasure.h"
#include "order/infrastructure/pg_prices.h"
#include "order/infrastructure/pg_reads.h"
#include "order/infrastructure/pg_store.h"
#include "order/infrastructure/topology.h"
#include "order/worker/stock_results.h"
#include "order_document.h"
#include "order_migrations.h"

enum {
    GATE_PERIOD_MS = 500,
    MAX_WAITS = 2000, /* of the 2,048 connections that a server has */
};

typedef struct {
    ChApiSettings api;
    int64_t outbox_max_pending;
    int64_t waits_max;
    int64_t open_max;
} Settings;

static const ChConfigKey keys[] = {
    CH_API_KEYS("127.0.0.1:5001", "127.0.0.1:6001"),
    { "OUTBOX_MAX_PENDING", CH_CONFIG_COUNT, offsetof(Settings, outbox_max_pending), "1000000",
      "unpublished messages beyond which intake answers 503", NULL },
    { "ORDER_WAITS_MAX", CH_CONFIG_COUNT, offsetof(Settings, waits_max), "1000",
      "requests that may wait for an order at once, at most 2000; more are answered 503", NULL },
    { "ORDER_OPEN_MAX", CH_CONFIG_LIMIT, offsetof(Settings, open_max), "100",
      "orders that are not final of a customer without the scope limits:none", NULL },
};

static ChPgConfig session(const ChApiSettings *settings)
{
    return (ChPgConfig){
        .url = settings->common.database_url,
        .application_name = "order-api",
        .schema_version = (int)order_migrations_count,
    };
}

static bool check(const void *opaque, GError **error)
{
    const Settings *settings = opaque;
    if (settings->waits_max <= MAX_WAITS)
        return ch_api_check(&settings->api, error);
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "ORDER_WAITS_MAX: expected at most %d",
                MAX_WAITS);
    return false;
}

/* Looks at the outbox in a lane of its own, and stops the taking of orders when it is too long. */
static void add_gate(ChApi *api, ChTicker *ticker, ChPg *pg, ChOutboxGate *gate)
{
    const ChLaneConfig lane = {
        .name = "outbox gate",
        .max_batch = 1,
        .source = ch_ticker_source(ticker),
        .work = ch_pg_work(pg),
        .handler = ch_outbox_gate_run,
        .context = gate,
    };
    ch_api_add_lane(api, &lane);
    ch_api_gate(api, ORDER_WRITES, ch_outbox_gate_admit, gate);
}

/* What the worker consumes, for the sake of its dead letters. */
static void judge_letters(ChOperatorLanes *operators, OrderStockResultsContext *context,
                          const ChApiSettings *settings)
{
    const ChSubscriptionConfig consumers[] = {
        order_stock_completed_subscription(&order_queues[ORDER_QUEUE_STOCK_COMPLETED], context),
        order_stock_failed_subscription(&order_queues[ORDER_QUEUE_STOCK_FAILED], context),
    };
    ch_operator_lanes_judge(operators, consumers, G_N_ELEMENTS(consumers),
                            settings->inbox_retention_ms);
}

static bool run(const void *opaque, GError **error)
{
    const Settings *settings = opaque;
    const ChPgConfig pg = session(&settings->api);
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChPg) write_pg = ch_api_connection(&pg, health, false);
    g_autoptr(ChPg) read_pg = ch_api_connection(&pg, health, true);
    g_autoptr(ChPg) list_pg = ch_api_connection(&pg, health, true);
    g_autoptr(ChPg) prices_pg = ch_api_connection(&pg, NULL, false);
    g_autoptr(ChPg) wait_pg = ch_api_connection(&pg, NULL, true);
    g_autoptr(ChPg) gate_pg = ch_api_connection(&pg, health, true);
    g_autoptr(OrderStore) write_store = order_pg_store_new(write_pg);
    g_autoptr(OrderReads) reads = order_pg_reads_new(read_pg);
    g_autoptr(OrderReads) lists = order_pg_reads_new(list_pg);
    g_autoptr(OrderPrices) prices = order_pg_prices_new(prices_pg);
    g_autoptr(ChOperatorLanes) operators =
        ch_operator_lanes_new(&pg, order_erasure, ORDER_ERASURE_PARTS);
    g_autoptr(OrderStore) letter_store =
        order_pg_trial_store_new(ch_operator_lanes_letters_pg(operators));
    OrderStockResultsContext letters = { .store = letter_store };
    g_autoptr(OrderReads) wait_reads = order_pg_reads_new(wait_pg);
    g_autoptr(ChHttpWaits) waits =
        ch_http_waits_new((size_t)settings->waits_max, order_api_look_again, wait_reads);
    OrderLookups lookups = { reads, waits };
    g_autoptr(OrderReads) write_reads = order_pg_reads_new(write_pg);
    OrderWrites writes = { write_store, write_reads, settings->open_max };
    g_autoptr(ChAuditLog) audit = ch_audit_log_new(list_pg);
    OrderLists list_contexts = { lists, audit, list_pg };
    g_autoptr(ChTicker) ticker = ch_ticker_new(GATE_PERIOD_MS);
    g_autoptr(ChOutboxGate) gate = ch_outbox_gate_new(gate_pg, settings->outbox_max_pending);
    g_autoptr(ChApi) api = ch_api_new(&order_routes, &order_document, health);

    ch_api_lane(api, ORDER_WRITES, CH_API_BATCH, write_pg, CH_API_CONTEXT(OrderWrites, &writes));
    ch_api_lane(api, ORDER_READS, CH_API_BATCH, read_pg, CH_API_CONTEXT(OrderLookups, &lookups));
    ch_api_lane(api, ORDER_LISTS, CH_API_LIST_BATCH, list_pg,
                CH_API_CONTEXT(OrderLists, &list_contexts));
    ch_api_lane(api, ORDER_PRICES, CH_API_LIST_BATCH, prices_pg,
                CH_API_CONTEXT(OrderPrices, prices));
    judge_letters(operators, &letters, &settings->api);
    CH_OPERATOR_LANES_BIND(operators, api, ORDER);
    ch_api_waits(api, waits, wait_pg);
    add_gate(api, ticker, gate_pg, gate);
    ch_api_look_at_database(api, &pg);
    return ch_api_run(api, &settings->api, error);
}

int main(int argc, char **argv)
{
    const ChProcess process = {
        .name = "order-api",
        .purpose = "takes and shows orders over HTTP",
        .keys = keys,
        .keys_n = G_N_ELEMENTS(keys),
        .check = check,
        .run = run,
        .routes = &order_routes,
    };
    Settings settings = { .outbox_max_pending = 0 };
    return ch_process_main(&process, &settings, argc, argv);
}
