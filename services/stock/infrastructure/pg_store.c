/* Levels and ledger: arrays in, one statement a table. */
#include "stock/infrastructure/pg_store.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"
#include "stock/infrastructure/events.h"
#include "stock/infrastructure/pg_reservations.h"

/* $1 products, ascending: one order of locks for all, so that no two batches wait for each other.
 */
static const ChPgStatement sql_lock_stock = {
    "select product_id, quantity from stock where product_id = any($1)"
    " order by product_id for update",
    { CH_PG_UUIDS },
};
enum {
    LOCKED_PRODUCT,
    LOCKED_QUANTITY
};

/* $1 products, $2 quantities. The rows are locked. */
static const ChPgStatement sql_update_stock = {
    "update stock s set quantity = changed.quantity, updated_at = now()"
    " from unnest($1, $2) as changed (product_id, quantity) where s.product_id = "
    "changed.product_id",
    { CH_PG_UUIDS, CH_PG_INTS },
};

static const ChPgStatement sql_delete_stock = {
    "delete from stock where product_id = any($1)",
    { CH_PG_UUIDS },
};

/* $1 products; one row each, in their order. Ends at the first order that holds some. */
static const ChPgStatement sql_select_held = {
    "select exists (select from stock_movements m join stock_reservations r using (order_id)"
    " where m.product_id = asked.id and m.kind = 'taken' and r.status = 1)"
    " from unnest($1) with ordinality as asked (id, place) order by place",
    { CH_PG_UUIDS },
};

/* $1 products, $2 quantities. Of equal products the first is inserted. */
static const ChPgStatement sql_create_stock = {
    "insert into stock (product_id, quantity)"
    " select product_id, quantity from unnest($1, $2) with ordinality"
    " as created (product_id, quantity, place) order by product_id, place"
    " on conflict do nothing returning product_id",
    { CH_PG_UUIDS, CH_PG_INTS },
};

/* $1 ids, $2 products, $3 deltas, $4 kinds, $5 orders, $6 reasons, $7 actors. */
static const ChPgStatement sql_insert_movements = {
    "insert into stock_movements (id, product_id, delta, kind, order_id, reason, actor)"
    " select * from unnest($1, $2, $3, $4, $5, $6, $7)",
    { CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_INTS, CH_PG_TEXTS, CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS },
};

typedef struct {
    StockStore base;
    ChPg *pg;
} PgStore;

static const StockStoreOps pg_store_ops;

static ChPg *pg_of(StockStore *self)
{
    return CH_CAST(PgStore, self, &pg_store_ops)->pg;
}

/* ---- orders ---- */

static bool reserve(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                    GError **error)
{
    return stock_pg_reserve(pg_of(self), order_ids, n, fresh, error);
}

static bool decided(StockStore *self, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                    GError **error)
{
    return stock_pg_decided(pg_of(self), order_ids, n, outcomes, error);
}

static bool refuse(StockStore *self, const StockResult *refused, size_t n, GError **error)
{
    return stock_pg_refuse(pg_of(self), refused, n, error);
}

static bool release(StockStore *self, const ChUuid *order_ids, size_t n, GArray **releases,
                    GError **error)
{
    return stock_pg_release(pg_of(self), order_ids, n, releases, error);
}

static bool told_cancelled(StockStore *self, const ChUuid *order_ids, size_t n, bool *told,
                           GError **error)
{
    return stock_pg_told_cancelled(pg_of(self), order_ids, n, told, error);
}

static bool reservations(StockStore *self, const ChUuid *order_ids, size_t n,
                         StockReservation *found, GError **error)
{
    return stock_pg_reservations(pg_of(self), order_ids, n, found, error);
}

/* ---- levels and ledger ---- */

static bool lock(StockStore *self, StockLevel *levels, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_lock_stock);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, levels[i].product_id);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    size_t row = 0; /* rows and levels ascend together */
    for (size_t i = 0; i < n; i++) {
        levels[i].exists =
            row < ch_pg_rows_count(rows) &&
            ch_uuid_equal(ch_pg_uuid(rows, row, LOCKED_PRODUCT), levels[i].product_id);
        levels[i].quantity = levels[i].exists ? ch_pg_int(rows, row++, LOCKED_QUANTITY) : 0;
    }
    return true;
}

static bool save(StockStore *self, const StockLevel *levels, size_t n, GError **error)
{
    g_autoptr(ChPgParams) updated = ch_pg_params_new(&sql_update_stock);
    g_autoptr(ChPgParams) deleted = ch_pg_params_new(&sql_delete_stock);
    size_t n_deleted = 0;
    for (size_t i = 0; i < n; i++) {
        if (levels[i].exists) {
            ch_pg_add_uuid(updated, 0, levels[i].product_id);
            ch_pg_add_int(updated, 1, levels[i].quantity);
        } else {
            ch_pg_add_uuid(deleted, 0, levels[i].product_id);
            n_deleted++;
        }
    }
    ChPg *pg = pg_of(self);
    if (n_deleted < n && !ch_pg_send(pg, g_steal_pointer(&updated), NULL, error))
        return false;
    return n_deleted == 0 || ch_pg_send(pg, g_steal_pointer(&deleted), NULL, error);
}

static ChPgParams *items_params(const ChPgStatement *statement, const StockItem *items, size_t n)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, items[i].product_id);
        ch_pg_add_int(params, 1, items[i].quantity);
    }
    return params;
}

static bool held(StockStore *self, const ChUuid *product_ids, size_t n, bool *found, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_held);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, product_ids[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = ch_pg_bool(rows, i, 0);
    return true;
}

static bool create(StockStore *self, const StockItem *items, size_t n, bool *created,
                   GError **error)
{
    g_autoptr(ChPgRows) rows =
        ch_pg_query(pg_of(self), items_params(&sql_create_stock, items, n), error);
    if (rows == NULL)
        return false;
    g_autoptr(GHashTable) made =
        g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChUuid id = ch_pg_uuid(rows, row, 0);
        g_hash_table_add(made, g_memdup2(&id, sizeof id));
    }
    for (size_t i = 0; i < n; i++) /* the first of equal ones takes the entry with it */
        created[i] = g_hash_table_remove(made, &items[i].product_id);
    return true;
}

static bool record(StockStore *self, const StockMovement *movements, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_movements);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, ch_uuid_new());
        ch_pg_add_uuid(params, 1, movements[i].product_id);
        ch_pg_add_int(params, 2, movements[i].delta);
        ch_pg_add_text(params, 3, movements[i].kind);
        if (ch_uuid_is_nil(movements[i].order_id))
            ch_pg_add_null(params, 4);
        else
            ch_pg_add_uuid(params, 4, movements[i].order_id);
        ch_pg_add_text(params, 5, movements[i].reason);
        ch_pg_add_text(params, 6, movements[i].actor);
    }
    return ch_pg_send(pg_of(self), params, NULL, error);
}

static bool announce(StockStore *self, const StockResult *results, size_t n, GError **error)
{
    return stock_events_results(pg_of(self), results, n, error);
}

static bool announce_releases(StockStore *self, const StockRelease *releases, const ChTrace *traces,
                              size_t n, GError **error)
{
    return stock_events_releases(pg_of(self), releases, traces, n, error);
}

static void free_store(StockStore *self)
{
    g_free(CH_CAST(PgStore, self, &pg_store_ops));
}

static const StockStoreOps pg_store_ops = {
    .reserve = reserve,
    .decided = decided,
    .refuse = refuse,
    .lock = lock,
    .save = save,
    .held = held,
    .create = create,
    .record = record,
    .release = release,
    .told_cancelled = told_cancelled,
    .announce = announce,
    .announce_releases = announce_releases,
    .reservations = reservations,
    .free = free_store,
};

StockStore *stock_pg_store_new(ChPg *pg)
{
    PgStore *store = g_new0(PgStore, 1);
    store->base.ops = &pg_store_ops;
    store->pg = pg;
    return &store->base;
}
