/* Reading stock and its ledger. */
#include "stock/infrastructure/pg_reads.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"

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

/* Newest first, and oldest first. $1 product, $2 before this movement, $3 limit, $4 after this
 * movement, $5 at this time or later, $6 earlier than it. */
#define LIST_MOVEMENTS(way)                                                                        \
    {                                                                                              \
        "select id, delta, kind, order_id, reason, happened_at, actor from stock_movements"        \
        " where product_id = $1 and id < $2 and id > $4 and happened_at >= $5"                     \
        " and happened_at < $6 order by id " way " limit $3",                                      \
        {                                                                                          \
            CH_PG_UUID, CH_PG_UUID, CH_PG_INT, CH_PG_UUID, CH_PG_TIME, CH_PG_TIME                  \
        }                                                                                          \
    }
static const ChPgStatement sql_list_movements[] = { LIST_MOVEMENTS("desc"), LIST_MOVEMENTS("asc") };
enum {
    MOVEMENT_ID,
    MOVEMENT_DELTA,
    MOVEMENT_KIND,
    MOVEMENT_ORDER,
    MOVEMENT_REASON,
    MOVEMENT_HAPPENED_AT,
    MOVEMENT_ACTOR,
};

/* $1 orders; one row each, in their order. */
static const ChPgStatement sql_select_order_reservations = {
    "select coalesce(r.status, 0::smallint), r.reason, r.created_at, r.updated_at"
    " from unnest($1) with ordinality as asked (id, place)"
    " left join stock_reservations r on r.order_id = asked.id order by asked.place",
    { CH_PG_UUIDS },
};
enum {
    RESERVATION_STATUS,
    RESERVATION_REASON,
    RESERVATION_CREATED_AT,
    RESERVATION_UPDATED_AT,
};

/* $1 order, $2 limit. With the columns of LIST_MOVEMENTS first. */
static const ChPgStatement sql_list_order_movements = {
    "select id, delta, kind, order_id, reason, happened_at, actor, product_id from stock_movements"
    " where order_id = $1 order by id limit $2",
    { CH_PG_UUID, CH_PG_INT },
};
enum {
    ORDER_MOVEMENT_PRODUCT = MOVEMENT_ACTOR + 1
};

typedef struct {
    StockReads base;
    ChPg *pg;
} PgReads;

static const StockReadsOps pg_reads_ops;

static ChPg *pg_of(StockReads *self)
{
    return CH_CAST(PgReads, self, &pg_reads_ops)->pg;
}

static bool find(StockReads *self, StockLevel *levels, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_stock);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, levels[i].product_id);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        levels[i].exists = !ch_pg_is_null(rows, i, 0);
        levels[i].quantity = ch_pg_int(rows, i, 0);
    }
    return true;
}

static GPtrArray *levels_from(const ChPgRows *rows)
{
    GPtrArray *levels = g_ptr_array_new_with_free_func(g_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        StockLevel *level = g_new0(StockLevel, 1);
        level->product_id = ch_pg_uuid(rows, row, LISTED_PRODUCT);
        level->quantity = ch_pg_int(rows, row, LISTED_QUANTITY);
        level->exists = true;
        g_ptr_array_add(levels, level);
    }
    return levels;
}

static bool list(StockReads *self, const ChPage *pages, size_t n, GPtrArray **found, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_list_stock);
        ch_pg_add_uuid(params[i], 0, pages[i].has_last ? pages[i].last : (ChUuid){ { 0 } });
        ch_pg_add_int(params[i], 1, pages[i].rows);
    }
    ChPgRows **rows = ch_pg_query_all(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = levels_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

static GPtrArray *ledger_from(const ChPgRows *rows, ChUuid product_id)
{
    GPtrArray *ledger = g_ptr_array_new_with_free_func(stock_movement_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        StockMovement *movement = g_new0(StockMovement, 1);
        movement->id = ch_pg_uuid(rows, row, MOVEMENT_ID);
        movement->product_id = product_id;
        movement->delta = ch_pg_int(rows, row, MOVEMENT_DELTA);
        movement->kind = g_intern_string(ch_pg_text(rows, row, MOVEMENT_KIND));
        movement->order_id = ch_pg_uuid(rows, row, MOVEMENT_ORDER);
        movement->reason = g_strdup(ch_pg_text(rows, row, MOVEMENT_REASON));
        movement->actor = g_strdup(ch_pg_text(rows, row, MOVEMENT_ACTOR));
        movement->happened_us = ch_pg_time(rows, row, MOVEMENT_HAPPENED_AT);
        g_ptr_array_add(ledger, movement);
    }
    return ledger;
}

static ChPgParams *ledger_params(const StockLedgerQuery *query)
{
    ChUuid after;
    ChUuid before;
    ch_page_bounds(&query->page, &after, &before);
    ChPgParams *params = ch_pg_params_new(&sql_list_movements[query->page.oldest_first]);
    ch_pg_add_uuid(params, 0, query->product_id);
    ch_pg_add_uuid(params, 1, before);
    ch_pg_add_int(params, 2, query->page.rows);
    ch_pg_add_uuid(params, 3, after);
    ch_pg_add_time(params, 4, query->page.created.from_us);
    ch_pg_add_time(params, 5, query->page.created.before_us);
    return params;
}

static bool movements(StockReads *self, const StockLedgerQuery *queries, size_t n,
                      GPtrArray **ledgers, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = ledger_params(&queries[i]);
    ChPgRows **rows = ch_pg_query_all(pg_of(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        ledgers[i] = ledger_from(rows[i], queries[i].product_id);
    ch_pg_rows_free_all(rows, n);
    return true;
}

static GPtrArray *movements_of_order(const ChPgRows *rows)
{
    GPtrArray *found = ledger_from(rows, (ChUuid){ { 0 } });
    for (guint i = 0; i < found->len; i++) {
        StockMovement *movement = g_ptr_array_index(found, i);
        movement->product_id = ch_pg_uuid(rows, i, ORDER_MOVEMENT_PRODUCT);
    }
    return found;
}

static ChPgParams *reservations_params(const ChUuid *order_ids, size_t n)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_order_reservations);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, order_ids[i]);
    return params;
}

static bool orders(StockReads *self, const ChUuid *order_ids, size_t n, StockOrderStory *stories,
                   GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n + 1);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_list_order_movements);
        ch_pg_add_uuid(params[i], 0, order_ids[i]);
        ch_pg_add_int(params[i], 1, STOCK_STORY_MOVEMENTS);
    }
    params[n] = reservations_params(order_ids, n);
    ChPgRows **rows = ch_pg_query_all(pg_of(self), params, n + 1, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        stories[i].order_id = order_ids[i];
        stories[i].reservation = (StockReservation)ch_pg_int(rows[n], i, RESERVATION_STATUS);
        stories[i].reason = g_strdup(ch_pg_text(rows[n], i, RESERVATION_REASON));
        stories[i].created_us = ch_pg_time(rows[n], i, RESERVATION_CREATED_AT);
        stories[i].updated_us = ch_pg_time(rows[n], i, RESERVATION_UPDATED_AT);
        stories[i].movements = movements_of_order(rows[i]);
    }
    ch_pg_rows_free_all(rows, n + 1);
    return true;
}

static void free_reads(StockReads *self)
{
    g_free(CH_CAST(PgReads, self, &pg_reads_ops));
}

static const StockReadsOps pg_reads_ops = {
    .find = find,
    .list = list,
    .movements = movements,
    .orders = orders,
    .free = free_reads,
};

StockReads *stock_pg_reads_new(ChPg *pg)
{
    PgReads *reads = g_new0(PgReads, 1);
    reads->base.ops = &pg_reads_ops;
    reads->pg = pg;
    return &reads->base;
}
