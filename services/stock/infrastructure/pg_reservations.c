/* Reservations: the guard that an order's stock is taken once and given back once. */
#include "stock/infrastructure/pg_reservations.h"

#include "chassis/postgres/pipeline.h"

/* $1 orders. In the order of their ids, so that two batches cannot wait for each other. */
static const ChPgStatement sql_insert_reservations = {
    "insert into stock_reservations (order_id, status)"
    " select order_id, 1 from unnest($1) as asked (order_id) order by order_id"
    " on conflict do nothing returning order_id",
    { CH_PG_UUIDS },
};

/* $1 orders; one row each, in their order. */
static const ChPgStatement sql_select_decided = {
    "select r.status, r.reason from unnest($1) with ordinality as asked (order_id, place)"
    " left join stock_reservations r on r.order_id = asked.order_id order by asked.place",
    { CH_PG_UUIDS },
};
enum {
    DECIDED_STATUS,
    DECIDED_REASON
};

/* $1 orders, $2 reasons. */
static const ChPgStatement sql_refuse_reservations = {
    "update stock_reservations r set status = 2, reason = refused.reason, updated_at = now()"
    " from unnest($1, $2) as refused (order_id, reason) where r.order_id = refused.order_id",
    { CH_PG_UUIDS, CH_PG_TEXTS },
};

/* $1 orders. Those that were not asked for yet will take nothing. */
static const ChPgStatement sql_insert_tombstones = {
    "insert into stock_reservations (order_id, status)"
    " select order_id, 4 from unnest($1) as cancelled (order_id) order by order_id"
    " on conflict do nothing",
    { CH_PG_UUIDS },
};

/* $1 orders. The ledger knows what each took. */
static const ChPgStatement sql_release_reservations = {
    "with held as ("
    " select order_id from stock_reservations where order_id = any($1) and status = 1"
    "  order by order_id for update),"
    " released as ("
    " update stock_reservations r set status = 3, updated_at = now() from held"
    "  where r.order_id = held.order_id returning r.order_id)"
    " select m.order_id, m.product_id, -m.delta from released"
    " join stock_movements m on m.order_id = released.order_id and m.kind = 'taken'"
    " order by m.order_id, m.product_id",
    { CH_PG_UUIDS },
};
enum {
    RELEASED_ORDER,
    RELEASED_PRODUCT,
    RELEASED_QUANTITY
};

/* $1 orders; one row each, in their order. */
static const ChPgStatement sql_select_reservations = {
    "select coalesce(r.status, 0::smallint) from unnest($1) with ordinality as asked (id, place)"
    " left join stock_reservations r on r.order_id = asked.id order by place",
    { CH_PG_UUIDS },
};

/* $1 orders; one row each, in their order. Whatever was done with the letter: what is cancelled
 * stays cancelled. */
static const ChPgStatement sql_told_cancelled = {
    "select exists (select from dead_letters d where d.subject = asked.id"
    " and d.queue = 'stock.ordercancelled' and d.message_type = 'OrderCancelledEvent')"
    " from unnest($1) with ordinality as asked (id, place) order by place",
    { CH_PG_UUIDS },
};

static ChPgParams *ids_params(const ChPgStatement *statement, const ChUuid *ids, size_t n)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, ids[i]);
    return params;
}

bool stock_pg_reserve(ChPg *pg, const ChUuid *order_ids, size_t n, bool *fresh, GError **error)
{
    g_autoptr(ChPgRows) rows =
        ch_pg_query(pg, ids_params(&sql_insert_reservations, order_ids, n), error);
    if (rows == NULL)
        return false;
    g_autoptr(GHashTable) opened =
        g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, NULL);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChUuid id = ch_pg_uuid(rows, row, 0);
        g_hash_table_add(opened, g_memdup2(&id, sizeof id));
    }
    for (size_t i = 0; i < n; i++)
        fresh[i] = g_hash_table_contains(opened, &order_ids[i]);
    return true;
}

static StockOutcome decided_from(const ChPgRows *rows, size_t row)
{
    switch ((StockReservation)ch_pg_int(rows, row, DECIDED_STATUS)) {
    case STOCK_RESERVATION_TAKEN:
        return STOCK_TAKEN;
    case STOCK_RESERVATION_REFUSED:
        return stock_outcome_parse(ch_pg_text(rows, row, DECIDED_REASON));
    case STOCK_RESERVATION_NONE:
    case STOCK_RESERVATION_RELEASED:
    case STOCK_RESERVATION_CANCELLED:
        return STOCK_SETTLED;
    }
    g_assert_not_reached(); /* the table's own check allows no other number */
}

bool stock_pg_decided(ChPg *pg, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                      GError **error)
{
    g_autoptr(ChPgRows) rows =
        ch_pg_query(pg, ids_params(&sql_select_decided, order_ids, n), error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = decided_from(rows, i);
    return true;
}

bool stock_pg_refuse(ChPg *pg, const StockResult *refused, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_refuse_reservations);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, refused[i].order->order_id);
        ch_pg_add_text(params, 1, stock_outcome_error(refused[i].outcome));
    }
    return ch_pg_send(pg, params, NULL, error);
}

static void clear_release(void *release)
{
    g_free(((StockRelease *)release)->items);
}

/* The rows of one order stand together, from @first on; returns how many. */
static size_t release_from(const ChPgRows *rows, size_t first, StockRelease *release)
{
    size_t n = 1;
    release->order_id = ch_pg_uuid(rows, first, RELEASED_ORDER);
    while (first + n < ch_pg_rows_count(rows) &&
           ch_uuid_equal(ch_pg_uuid(rows, first + n, RELEASED_ORDER), release->order_id))
        n++;
    release->items = g_new(StockItem, n);
    release->n_items = n;
    for (size_t i = 0; i < n; i++)
        release->items[i] = (StockItem){
            ch_pg_uuid(rows, first + i, RELEASED_PRODUCT),
            ch_pg_int(rows, first + i, RELEASED_QUANTITY),
        };
    return n;
}

bool stock_pg_release(ChPg *pg, const ChUuid *order_ids, size_t n, GArray **releases,
                      GError **error)
{
    g_autoptr(ChPgRows) rows = NULL;
    if (!ch_pg_send(pg, ids_params(&sql_insert_tombstones, order_ids, n), NULL, error) ||
        !ch_pg_send(pg, ids_params(&sql_release_reservations, order_ids, n), &rows, error) ||
        !ch_pg_wait(pg, error))
        return false;
    *releases = g_array_new(FALSE, FALSE, sizeof(StockRelease));
    g_array_set_clear_func(*releases, clear_release);
    for (size_t row = 0; row < ch_pg_rows_count(rows);) {
        StockRelease release;
        row += release_from(rows, row, &release);
        g_array_append_val(*releases, release);
    }
    return true;
}

bool stock_pg_reservations(ChPg *pg, const ChUuid *order_ids, size_t n,
                           StockReservation *reservations, GError **error)
{
    g_autoptr(ChPgRows) rows =
        ch_pg_query(pg, ids_params(&sql_select_reservations, order_ids, n), error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        reservations[i] = (StockReservation)ch_pg_int(rows, i, 0);
    return true;
}

bool stock_pg_told_cancelled(ChPg *pg, const ChUuid *order_ids, size_t n, bool *told,
                             GError **error)
{
    g_autoptr(ChPgRows) rows =
        ch_pg_query(pg, ids_params(&sql_told_cancelled, order_ids, n), error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        told[i] = ch_pg_bool(rows, i, 0);
    return true;
}
