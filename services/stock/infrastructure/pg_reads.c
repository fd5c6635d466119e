/* Reading stock and its ledger. */
#include "chassis/postgres/pipeline.h"
#include "stock/infrastructure/pg_store.h"

/* $1 products; one row each, in their order. */
static const ChPgStatement sql_find_stock = {
    "select s.quantity from unnest($1) with ordinality as asked (product_id, place)"
    " left join stock s on s.product_id = asked.product_id order by asked.place",
    { CH_PG_UUIDS },
};

/* $1 after this product, $2 limit. */
static const ChPgStatement sql_list_stock = {
    "select product_id, quantity from stock where product_id > $1 order by product_id limit $2",
    { CH_PG_UUID, CH_PG_INT },
};
enum {
    LISTED_PRODUCT,
    LISTED_QUANTITY
};

/* $1 product, $2 before this movement, $3 limit. */
static const ChPgStatement sql_list_movements = {
    "select id, delta, kind, order_id, reason, happened_at from stock_movements"
    " where product_id = $1 and id < $2 order by id desc limit $3",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_INT },
};
enum {
    MOVEMENT_ID,
    MOVEMENT_DELTA,
    MOVEMENT_KIND,
    MOVEMENT_ORDER,
    MOVEMENT_REASON,
    MOVEMENT_HAPPENED_AT,
};

bool stock_pg_find(StockStore *self, StockLevel *levels, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_stock);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, levels[i].product_id);
    g_autoptr(ChPgRows) rows = ch_pg_query(stock_pg(self), params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        levels[i].exists = !ch_pg_is_null(rows, i, 0);
        levels[i].quantity = ch_pg_int(rows, i, 0);
    }
    return true;
}

bool stock_pg_list(StockStore *self, ChUuid after, int64_t limit, GArray **levels, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_stock);
    ch_pg_add_uuid(params, 0, after);
    ch_pg_add_int(params, 1, limit);
    g_autoptr(ChPgRows) rows = ch_pg_query(stock_pg(self), params, error);
    if (rows == NULL)
        return false;
    *levels = g_array_new(FALSE, FALSE, sizeof(StockLevel));
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        StockLevel level = {
            .product_id = ch_pg_uuid(rows, row, LISTED_PRODUCT),
            .quantity = ch_pg_int(rows, row, LISTED_QUANTITY),
            .exists = true,
        };
        g_array_append_val(*levels, level);
    }
    return true;
}

static void clear_movement(void *opaque)
{
    StockMovement *movement = opaque;
    g_free(movement->reason);
}

bool stock_pg_movements(StockStore *self, ChUuid product_id, ChUuid before, int64_t limit,
                        GArray **movements, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_list_movements);
    ch_pg_add_uuid(params, 0, product_id);
    ch_pg_add_uuid(params, 1, before);
    ch_pg_add_int(params, 2, limit);
    g_autoptr(ChPgRows) rows = ch_pg_query(stock_pg(self), params, error);
    if (rows == NULL)
        return false;
    *movements = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    g_array_set_clear_func(*movements, clear_movement);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        StockMovement movement = {
            .id = ch_pg_uuid(rows, row, MOVEMENT_ID),
            .product_id = product_id,
            .delta = ch_pg_int(rows, row, MOVEMENT_DELTA),
            .kind = g_intern_string(ch_pg_text(rows, row, MOVEMENT_KIND)),
            .order_id = ch_pg_uuid(rows, row, MOVEMENT_ORDER),
            .reason = g_strdup(ch_pg_text(rows, row, MOVEMENT_REASON)),
            .happened_us = ch_pg_time(rows, row, MOVEMENT_HAPPENED_AT),
        };
        g_array_append_val(*movements, movement);
    }
    return true;
}
