/* stock-api: stock and its ledger over HTTP. */
#include "chassis/runtime/api.h"
#include "chassis/runtime/operator_lanes.h"
#include "chassis/runtime/process.h"
#include "stock/api/lists.h"
#include "stock/api/routes.h"
#include "stock/infrastructure/pg_reads.h"
#include "stock/infrastructure/pg_store.h"
#include "stock/infrastructure/topology.h"
#include "stock/worker/orders.h"
#include "stock_document.h"
#include "stock_migrations.h"

enum {
    IMPORT_BATCH = 1, /* each is a thousand lines: its locks are held no longer than they need */
};

static const ChConfigKey keys[] = {
    CH_API_KEYS("127.0.0.1:5002", "127.0.0.1:6002"),
};

static ChPgConfig session(const ChApiSettings *settings)
{
    return (ChPgConfig){
        .url = settings->common.database_url,
        .application_name = "stock-api",
        .schema_version = (int)stock_migrations_count,
    };
}

/* What the worker consumes, for the sake of its dead letters. */
static void judge_letters(ChOperatorLanes *operators, StockStore *store,
                          const ChApiSettings *settings)
{
    const ChSubscriptionConfig consumers[] = {
        stock_created_subscription(&stock_queues[STOCK_QUEUE_ORDER_CREATED], store),
        stock_cancelled_subscription(&stock_queues[STOCK_QUEUE_ORDER_CANCELLED], store),
    };
    ch_operator_lanes_judge(operators, consumers, G_N_ELEMENTS(consumers),
                            settings->inbox_retention_ms);
}

static bool run(const void *settings, GError **error)
{
    const ChPgConfig pg = session(settings);
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChPg) write_pg = ch_api_connection(&pg, health, false);
    g_autoptr(ChPg) read_pg = ch_api_connection(&pg, health, true);
    g_autoptr(ChPg) list_pg = ch_api_connection(&pg, health, true);
    g_autoptr(ChPg) import_pg = ch_api_connection(&pg, NULL, false);
    g_autoptr(StockStore) write_store = stock_pg_store_new(write_pg);
    g_autoptr(StockReads) reads = stock_pg_reads_new(read_pg);
    g_autoptr(StockReads) lists = stock_pg_reads_new(list_pg);
    g_autoptr(StockStore) import_store = stock_pg_store_new(import_pg);
    g_autoptr(ChOperatorLanes) operators = ch_operator_lanes_new(&pg, NULL, 0);
    g_autoptr(StockStore) letter_store =
        stock_pg_store_new(ch_operator_lanes_letters_pg(operators));
    g_autoptr(ChAuditLog) audit = ch_audit_log_new(list_pg);
    StockLists list_contexts = { lists, audit, list_pg };
    g_autoptr(ChApi) api = ch_api_new(&stock_routes, &stock_document, health);

    ch_api_lane(api, STOCK_WRITES, CH_API_BATCH, write_pg, CH_API_CONTEXT(StockStore, write_store));
    ch_api_lane(api, STOCK_READS, CH_API_BATCH, read_pg, CH_API_CONTEXT(StockReads, reads));
    ch_api_lane(api, STOCK_LISTS, CH_API_LIST_BATCH, list_pg,
                CH_API_CONTEXT(StockLists, &list_contexts));
    ch_api_lane(api, STOCK_IMPORTS, IMPORT_BATCH, import_pg,
                CH_API_CONTEXT(StockStore, import_store));
    judge_letters(operators, letter_store, settings);
    CH_OPERATOR_LANES_BIND(operators, api, STOCK);
    ch_api_look_at_database(api, &pg);
    return ch_api_run(api, settings, error);
}

int main(int argc, char **argv)
{
    const ChProcess process = {
        .name = "stock-api",
        .purpose = "shows and changes stock over HTTP",
        .keys = keys,
        .keys_n = G_N_ELEMENTS(keys),
        .check = ch_api_check,
        .run = run,
        .routes = &stock_routes,
    };
    ChApiSettings settings = { .common = { .database_url = NULL } };
    return ch_process_main(&process, &settings, argc, argv);
}
