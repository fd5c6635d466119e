/* stock-api: stock and its ledger over HTTP. */
#include "chassis/messaging/erasure.h"
#include "chassis/messaging/control_desk.h"
#include "chassis/messaging/failure_groups.h"
#include "chassis/postgres/connection.h"
#include "chassis/postgres/work.h"
#include "chassis/runtime/api.h"
#include "chassis/runtime/process.h"
#include "stock/api/lists.h"
#include "stock/api/routes.h"
#include "stock/infrastructure/pg_reads.h"
#include "stock/infrastructure/pg_store.h"
#include "stock_document.h"
#include "stock_migrations.h"

enum {
    IMPORT_BATCH = 1, /* each is a thousand lines: its locks are held no longer than they need */
};

static const ChConfigKey keys[] = {
    CH_API_KEYS("127.0.0.1:5002", "127.0.0.1:6002"),
};

/* A connection of one lane, which may do no more than read. NULL for @health: of a lane that seldom
 * has work. */
static ChPg *connection(const ChApiSettings *settings, ChHealth *health, bool read_only)
{
    const ChPgConfig pg = {
        .url = settings->common.database_url,
        .application_name = "stock-api",
        .schema_version = (int)stock_migrations_count,
        .read_only = read_only,
        .on_demand = health == NULL,
        .health = health == NULL ? NULL : ch_health_part(health, "postgres"),
    };
    return ch_pg_new(&pg);
}

static bool run(const void *settings, GError **error)
{
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChPg) write_pg = connection(settings, health, false);
    g_autoptr(ChPg) read_pg = connection(settings, health, true);
    g_autoptr(ChPg) list_pg = connection(settings, health, true);
    g_autoptr(ChPg) import_pg = connection(settings, NULL, false);
    g_autoptr(ChPg) erasure_pg = connection(settings, NULL, false);
    g_autoptr(ChPg) failure_pg = connection(settings, NULL, false);
    g_autoptr(ChPg) control_pg = connection(settings, NULL, false);
    g_autoptr(StockStore) write_store = stock_pg_store_new(write_pg);
    g_autoptr(StockReads) reads = stock_pg_reads_new(read_pg);
    g_autoptr(StockReads) lists = stock_pg_reads_new(list_pg);
    g_autoptr(StockStore) import_store = stock_pg_store_new(import_pg);
    g_autoptr(ChErasure) erasure = ch_erasure_new(erasure_pg, NULL, 0);
    g_autoptr(ChFailureGroups) failures = ch_failure_groups_new(failure_pg);
    g_autoptr(ChControlDesk) controls = ch_control_desk_new(control_pg);
    g_autoptr(ChAuditLog) audit = ch_audit_log_new(list_pg);
    StockLists list_contexts = { lists, audit, list_pg };
    g_autoptr(ChApi) api = ch_api_new(&stock_routes, &stock_document, health);

    ch_api_lane(api, STOCK_WRITES, CH_API_BATCH, ch_pg_work(write_pg),
                CH_API_CONTEXT(StockStore, write_store));
    ch_api_lane(api, STOCK_READS, CH_API_BATCH, ch_pg_work(read_pg),
                CH_API_CONTEXT(StockReads, reads));
    ch_api_lane(api, STOCK_LISTS, CH_API_LIST_BATCH, ch_pg_work(list_pg),
                CH_API_CONTEXT(StockLists, &list_contexts));
    ch_api_lane(api, STOCK_IMPORTS, IMPORT_BATCH, ch_pg_work(import_pg),
                CH_API_CONTEXT(StockStore, import_store));
    ch_api_lane(api, STOCK_ERASURES, 1, ch_pg_work(erasure_pg), CH_API_CONTEXT(ChErasure, erasure));
    ch_api_lane(api, STOCK_FAILURES, 1, ch_pg_work(failure_pg),
                CH_API_CONTEXT(ChFailureGroups, failures));
    ch_api_lane(api, STOCK_CONTROLS, CH_API_LIST_BATCH, ch_pg_work(control_pg),
                CH_API_CONTEXT(ChControlDesk, controls));
    ch_api_record(api, STOCK_WRITES, write_pg);
    ch_api_record(api, STOCK_IMPORTS, import_pg);
    ch_api_record(api, STOCK_ERASURES, erasure_pg);
    ch_api_record(api, STOCK_FAILURES, failure_pg);
    ch_api_record(api, STOCK_CONTROLS, control_pg);
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
