/* Writing orders: arrays in, one statement a table. */
#include "order/infrastructure/pg_store.h"

#include "chassis/core/cast.h"
#include "chassis/core/time.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/telemetry/metrics.h"
#include "order/infrastructure/asked.h"
#include "order/infrastructure/events.h"
#include "order/infrastructure/pg_open.h"
#include "order/infrastructure/pg_prices.h"
#include "order/infrastructure/pg_statuses.h"

#include <string.h>

/* $1 customers, $2 keys. The lock says whether another transaction holds the key; it ends with
 * ours. */
static const ChPgStatement sql_lock_keys = {
    "select pg_try_advisory_xact_lock(hashtextextended(customer_id::text || key, 0))"
    " from unnest($1, $2) with ordinality as claim (customer_id, key, place) order by place",
    { CH_PG_UUIDS, CH_PG_TEXTS },
};

/* The same. A statement of its own: its snapshot is taken when the locks are held. */
static const ChPgStatement sql_select_keys = {
    "select k.order_id, k.request_hash"
    " from unnest($1, $2) with ordinality as claim (customer_id, key, place)"
    " left join idempotency_keys k on k.customer_id = claim.customer_id and k.key = claim.key"
    " and k.created_at > now() - interval '24 hours' order by place",
    { CH_PG_UUIDS, CH_PG_TEXTS },
};
enum {
    KEY_ORDER_ID,
    KEY_REQUEST_HASH
};

/* $1 customers, $2 keys, $3 hashes, $4 orders. A row that is still there is out of date. */
static const ChPgStatement sql_insert_keys = {
    "insert into idempotency_keys (customer_id, key, request_hash, order_id)"
    " select * from unnest($1, $2, $3, $4)"
    " on conflict (customer_id, key) do update set request_hash = excluded.request_hash,"
    " order_id = excluded.order_id, created_at = now()",
    { CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_UUIDS },
};

/* $1 ids, $2 customers, $3 totals, $4 currencies, $5 times, $6 trace ids. */
static const ChPgStatement sql_insert_orders = {
    "insert into orders (id, customer_id, status, total, currency, created_at, updated_at,"
    " trace_id)"
    " select id, customer_id, 1, total, currency, created_at, created_at, trace_id"
    " from unnest($1, $2, $3, $4, $5, $6)"
    " as placed (id, customer_id, total, currency, created_at, trace_id)",
    { CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_DECIMALS, CH_PG_TEXTS, CH_PG_TIMES, CH_PG_UUIDS },
};

/* $1 orders, $2 products, $3 quantities, $4 unit prices. */
static const ChPgStatement sql_insert_items = {
    "insert into order_items (order_id, product_id, quantity, unit_price)"
    " select * from unnest($1, $2, $3, $4)",
    { CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_INTS, CH_PG_DECIMALS },
};

/* $1 ids, $2 new statuses, $3 reasons, $4 causes, $5 statuses that may be left, $6 owners (nil:
 * whoever's), $7 trace ids. Rows are locked in the order of their ids, so that two batches cannot
 * wait for each other. The time is taken with the lock: a transaction that waited for another's
 * move of the order may have begun before it, and a server that took over have another clock. */
static const ChPgStatement sql_move_orders = {
    "with moving as ("
    " select o.id, o.status as was, o.created_at, m.status, m.reason, m.cause, m.trace_id,"
    "   m.place from unnest($1, $2, $3, $4, $6, $7)"
    "   with ordinality as m (id, status, reason, cause, owner, trace_id, place)"
    "  join orders o on o.id = m.id and m.owner" ORDER_NIL_OR_ITS_CUSTOMER
    "  where o.status = any($5) order by o.id for update of o),"
    " moved as ("
    " update orders o set status = m.status, reason = m.reason,"
    "   updated_at = greatest(clock_timestamp(), o.updated_at)"
    "  from moving m where o.id = m.id"
    "  returning o.id, o.customer_id, o.status, o.total, o.currency, m.place, m.cause, m.was,"
    "   m.created_at, m.trace_id, o.updated_at),"
    " noted as ("
    " insert into order_history (order_id, status, cause, happened_at, trace_id)"
    "  select id, status, cause, updated_at, trace_id from moved)"
    " select place, customer_id, total, currency, was, created_at from moved order by place",
    { CH_PG_UUIDS, CH_PG_INTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_INTS, CH_PG_UUIDS, CH_PG_UUIDS },
};
enum {
    MOVED_PLACE,
    MOVED_CUSTOMER,
    MOVED_TOTAL,
    MOVED_CURRENCY,
    MOVED_FROM,
    MOVED_CREATED_AT,
};

CH_HISTOGRAM(saga_seconds, "cartwheel_saga_seconds",
             "from the acceptance of an order to its end: confirmed, or cancelled by its stock's "
             "result or its customer",
             "outcome", CH_BUCKETS_SECONDS);

typedef struct {
    OrderStore base;
    ChPg *pg;
    bool is_trial; /* what it does is rolled back */
} PgStore;

static const OrderStoreOps pg_store_ops;

static ChPg *pg_of(OrderStore *self)
{
    return CH_CAST(PgStore, self, &pg_store_ops)->pg;
}

/* Both are 16 bytes; all zero is no trace. */
static ChUuid trace_id_of(ChTrace trace)
{
    ChUuid id;
    memcpy(id.bytes, trace.trace_id, sizeof id.bytes);
    return id;
}

static ChPgParams *key_params(const ChPgStatement *statement,
                              const OrderPlacement *const *placements, size_t n)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, placements[i]->customer_id);
        ch_pg_add_text(params, 1, placements[i]->idempotency_key);
    }
    return params;
}

static OrderKeyAnswer key_answer(const ChPgRows *locks, const ChPgRows *keys, size_t row)
{
    OrderKeyAnswer answer = { .state = ORDER_KEY_FREE };
    if (!ch_pg_is_null(keys, row, KEY_ORDER_ID)) {
        size_t bytes;
        const uint8_t *hash = ch_pg_bytes(keys, row, KEY_REQUEST_HASH, &bytes);
        answer.state = ORDER_KEY_USED;
        answer.order_id = ch_pg_uuid(keys, row, KEY_ORDER_ID);
        memcpy(answer.request_hash, hash, MIN(bytes, (size_t)ORDER_HASH_BYTES));
    } else if (!ch_pg_bool(locks, row, 0)) {
        answer.state = ORDER_KEY_HELD;
    }
    return answer;
}

static bool send_claims(ChPg *pg, const OrderPlacement *const *claims, size_t n, ChPgRows **locks,
                        ChPgRows **keys, GError **error)
{
    return n == 0 || (ch_pg_send(pg, key_params(&sql_lock_keys, claims, n), locks, error) &&
                      ch_pg_send(pg, key_params(&sql_select_keys, claims, n), keys, error));
}

static bool send_rest(ChPg *pg, const OrderQuestions *asked, ChPgRows **prices, ChPgRows **open,
                      GError **error)
{
    return (asked->n_prices == 0 ||
            ch_pg_send(pg, order_pg_find_prices(asked->prices, asked->n_prices), prices, error)) &&
           (asked->n_open == 0 ||
            ch_pg_send(pg, order_pg_count_open(asked->open, asked->n_open), open, error));
}

static bool look_up(OrderStore *self, const OrderQuestions *asked, GError **error)
{
    ChPg *pg = pg_of(self);
    g_autoptr(ChPgRows) locks = NULL;
    g_autoptr(ChPgRows) keys = NULL;
    g_autoptr(ChPgRows) prices = NULL;
    g_autoptr(ChPgRows) open = NULL;
    if (!send_claims(pg, asked->claims, asked->n_claims, &locks, &keys, error) ||
        !send_rest(pg, asked, &prices, &open, error) || !ch_pg_wait(pg, error))
        return false;
    for (size_t i = 0; i < asked->n_claims; i++)
        asked->answers[i] = key_answer(locks, keys, i);
    if (asked->n_prices > 0)
        order_pg_take_prices(prices, asked->prices, asked->n_prices);
    if (asked->n_open > 0)
        order_pg_take_open(open, asked->open, asked->n_open);
    return true;
}

static bool insert_keys(ChPg *pg, const OrderPlacement *const *placements, size_t n, GError **error)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&sql_insert_keys);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (placements[i]->idempotency_key == NULL)
            continue;
        ch_pg_add_uuid(params, 0, placements[i]->customer_id);
        ch_pg_add_text(params, 1, placements[i]->idempotency_key);
        ch_pg_add_bytes(params, 2, placements[i]->request_hash, ORDER_HASH_BYTES);
        ch_pg_add_uuid(params, 3, placements[i]->id);
        used++;
    }
    return used == 0 || ch_pg_send(pg, g_steal_pointer(&params), NULL, error);
}

static bool insert_orders(ChPg *pg, const OrderPlacement *const *placements, size_t n,
                          GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_orders);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, placements[i]->id);
        ch_pg_add_uuid(params, 1, placements[i]->customer_id);
        ch_pg_add_decimal(params, 2, placements[i]->total);
        ch_pg_add_text(params, 3, placements[i]->currency);
        ch_pg_add_time(params, 4, placements[i]->created_us);
        ch_pg_add_uuid(params, 5, trace_id_of(placements[i]->trace));
    }
    return ch_pg_send(pg, params, NULL, error);
}

static bool insert_items(ChPg *pg, const OrderPlacement *const *placements, size_t n,
                         GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_items);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < placements[i]->n_items; k++) {
            const OrderItem *item = &placements[i]->items[k];
            ch_pg_add_uuid(params, 0, placements[i]->id);
            ch_pg_add_uuid(params, 1, item->product_id);
            ch_pg_add_int(params, 2, item->quantity);
            ch_pg_add_decimal(params, 3, item->unit_price);
        }
    }
    return ch_pg_send(pg, params, NULL, error);
}

static bool insert(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                   GError **error)
{
    ChPg *pg = pg_of(self);
    return insert_keys(pg, placements, n, error) && insert_orders(pg, placements, n, error) &&
           insert_items(pg, placements, n, error) &&
           order_events_created(pg, placements, n, false, error);
}

/* The first answer that an order gets ends its saga; cancelling a confirmed one is another story.
 */
static void observe_end(const ChPgRows *rows, size_t row, OrderStatus status)
{
    if (ch_pg_int(rows, row, MOVED_FROM) != ORDER_CREATED)
        return;
    int64_t took_us = ch_time_now_us() - ch_pg_time(rows, row, MOVED_CREATED_AT);
    const char *outcome = status == ORDER_CONFIRMED ? "confirmed" : "cancelled";
    ch_metric_observe(ch_metric(&saga_seconds, outcome),
                      (double)MAX(took_us, 0) / G_USEC_PER_SEC); /* clocks differ */
}

static OrderChange change_from(const ChPgRows *rows, size_t row, const OrderMove *moves)
{
    const OrderMove *move = &moves[ch_pg_int(rows, row, MOVED_PLACE) - 1];
    OrderChange change = {
        .id = move->order.id,
        .customer_id = ch_pg_uuid(rows, row, MOVED_CUSTOMER),
        .status = move->to,
        .was = (OrderStatus)ch_pg_int(rows, row, MOVED_FROM),
        .total = ch_pg_decimal(rows, row, MOVED_TOTAL),
        .reason = move->reason,
        .trace = move->trace,
    };
    g_strlcpy(change.currency, ch_pg_text(rows, row, MOVED_CURRENCY), sizeof change.currency);
    return change;
}

static bool move(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                 size_t n_from, GArray **changes, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_move_orders);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, moves[i].order.id);
        ch_pg_add_int(params, 1, moves[i].to);
        ch_pg_add_text(params, 2, moves[i].reason);
        ch_pg_add_text(params, 3, moves[i].cause);
        ch_pg_add_uuid(params, 5, moves[i].order.owner);
        ch_pg_add_uuid(params, 6, trace_id_of(moves[i].trace));
    }
    for (size_t i = 0; i < n_from; i++)
        ch_pg_add_int(params, 4, from[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    bool is_trial = CH_CAST(PgStore, self, &pg_store_ops)->is_trial;
    *changes = g_array_new(FALSE, FALSE, sizeof(OrderChange));
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        OrderChange change = change_from(rows, row, moves);
        g_array_append_val(*changes, change);
        if (!is_trial)
            observe_end(rows, row, change.status);
    }
    return true;
}

static bool announce(OrderStore *self, const OrderChange *changes, size_t n, GError **error)
{
    return order_events_changed(pg_of(self), changes, n, error);
}

static bool announce_created(OrderStore *self, Order *const *orders, const ChTrace *traces,
                             size_t n, GError **error)
{
    return order_events_created_again(pg_of(self), orders, traces, n, error);
}

static bool statuses(OrderStore *self, const OrderAsked *asked, size_t n, OrderStatus *found,
                     GError **error)
{
    return order_pg_statuses(pg_of(self), asked, n, found, error);
}

static void free_store(OrderStore *self)
{
    g_free(CH_CAST(PgStore, self, &pg_store_ops));
}

static const OrderStoreOps pg_store_ops = {
    .look_up = look_up,
    .insert = insert,
    .move = move,
    .announce = announce,
    .announce_created = announce_created,
    .statuses = statuses,
    .free = free_store,
};

OrderStore *order_pg_store_new(ChPg *pg)
{
    PgStore *store = g_new0(PgStore, 1);
    store->base.ops = &pg_store_ops;
    store->pg = pg;
    return &store->base;
}

OrderStore *order_pg_trial_store_new(ChPg *pg)
{
    OrderStore *store = order_pg_store_new(pg);
    CH_CAST(PgStore, store, &pg_store_ops)->is_trial = true;
    return store;
}
