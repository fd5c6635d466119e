/* The watch walks along the orders by their ids, which ascend with time, and remembers where it
 * stands: each order is read once. An index of those that are not final would be maintained at
 * every placing and every settling (docs/decisions/0036-stuck-orders.md). */
#include "order/infrastructure/pg_watch.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"
#include "order/infrastructure/events.h"
#include "order/infrastructure/pg_reads.h"

#define MICROSECONDS " * interval '1 microsecond'"

/* The lowest version 7 id of a time: 48 bits of milliseconds come first. */
#define LOWEST_ID_OF "(lpad(to_hex((extract(epoch from "
#define LOWEST_ID_END ") * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid"

/* Orders from before this id are old enough, $1 microseconds; and from before this one all are
 * committed: that happens some seconds after the id was made. */
#define OLD_ENOUGH LOWEST_ID_OF "now() - $1" MICROSECONDS LOWEST_ID_END
#define ALL_COMMITTED LOWEST_ID_OF "now() - interval '60 seconds'" LOWEST_ID_END

/* Held until the transaction ends. Not a row lock: that writes to the log each time, also when
 * there is nothing to do. A statement of its own: the next ones see what the last holder committed.
 */
static const ChPgStatement sql_take_watch = {
    "select pg_try_advisory_xact_lock(0, 1)", /* the database's only lock with two numbers */
    { CH_PG_NONE },
};

/* $1 stuck_after. */
static const ChPgStatement sql_select_state = {
    "select now(), (select count(*) from stuck_orders), (select count(*) from stuck_orders"
    " where repeats > 0 and announced_at > now() - $1" MICROSECONDS "),"
    " probed_at <= now() - $1" MICROSECONDS " from order_watch",
    { CH_PG_INT },
};
enum {
    STATE_NOW,
    STATE_WATCHED,
    STATE_UNANSWERED,
    STATE_PROBE_DUE
};

/* A scalar subquery is looked up for each row; a `not exists` becomes a join, whose plan, when it
 * was made while the table was empty, reads all orders. */
static const ChPgStatement sql_forget_final = {
    "delete from stuck_orders s where"
    " coalesce((select o.status from orders o where o.id = s.order_id), 0) <> 1"
    " returning order_id, repeats",
    { CH_PG_NONE },
};

/* $1 stuck_after, $2 how many are looked at, $3 how many may be found. Passes over no open order
 * beyond those, and not over the time in which orders may still be committed: what it looked at
 * there it finds again, and does not count. */
static const ChPgStatement sql_look = {
    "with seen as materialized ("
    " select id, status, created_at from orders where id > (select passed from order_watch)"
    "  and id < " OLD_ENOUGH " order by id limit $2),"
    " counted as ("
    " select id, status, created_at, count(*) filter (where status = 1)"
    "  over (order by id rows unbounded preceding) as open from seen),"
    " looked as materialized (select * from counted where open <= $3),"
    " found as ("
    " insert into stuck_orders (order_id, announced_at)"
    "  select id, created_at from looked where status = 1"
    "  on conflict do nothing returning order_id),"
    " moved as ("
    " update order_watch set passed ="
    "  least((select id from looked order by id desc limit 1), " ALL_COMMITTED ")"
    "  where exists (select from looked))"
    " select (select count(*) from looked where id <= " ALL_COMMITTED "),"
    " (select count(*) from found)",
    { CH_PG_INT, CH_PG_INT, CH_PG_INT },
};
enum {
    LOOK_PASSED,
    LOOK_FOUND
};

/* $1 stuck_after, $2 last announced before, $3 how many, $4 the slowest pace, which comes long
 * before the 10th time: power() fails beyond 1023. */
static const ChPgStatement sql_select_due = {
    "select order_id, repeats from stuck_orders where announced_at <= $2"
    " and announced_at + $1 * least(power(2, least(greatest(repeats - 1, 0), 10)), $4)" MICROSECONDS
    " <= now() order by repeats, announced_at limit $3",
    { CH_PG_INT, CH_PG_TIME, CH_PG_INT, CH_PG_INT },
};

/* $1 deadline, $2 how many. Ids ascend with the time of placing. */
static const ChPgStatement sql_select_overdue = {
    "select order_id from stuck_orders where order_id < " OLD_ENOUGH " order by order_id limit $2",
    { CH_PG_INT, CH_PG_INT },
};

/* Of sql_select_due and sql_forget_final. */
enum {
    STUCK_ORDER,
    STUCK_REPEATS
};

/* $1 orders. */
static const ChPgStatement sql_note_announced = {
    "update stuck_orders set announced_at = now(), repeats = repeats + 1"
    " where order_id = any($1)",
    { CH_PG_UUIDS },
};

static const ChPgStatement sql_note_probe = {
    "update order_watch set probed_at = now()",
    { CH_PG_NONE },
};

typedef struct {
    OrderWatchStore base;
    ChPg *pg;
    OrderReads *orders;
} PgWatch;

static const OrderWatchStoreOps pg_watch_ops;

static PgWatch *watch_of(OrderWatchStore *self)
{
    return CH_CAST(PgWatch, self, &pg_watch_ops);
}

static ChPgParams *with_int(const ChPgStatement *statement, int64_t value)
{
    ChPgParams *params = ch_pg_params_new(statement);
    ch_pg_add_int(params, 0, value);
    return params;
}

static bool begin(OrderWatchStore *self, int64_t stuck_after_us, OrderWatchState *state,
                  GError **error)
{
    ChPg *pg = watch_of(self)->pg;
    g_autoptr(ChPgRows) watch = NULL;
    g_autoptr(ChPgRows) counts = NULL;
    if (!ch_pg_send(pg, ch_pg_params_new(&sql_take_watch), &watch, error) ||
        !ch_pg_send(pg, with_int(&sql_select_state, stuck_after_us), &counts, error) ||
        !ch_pg_wait(pg, error))
        return false;
    state->mine = ch_pg_bool(watch, 0, 0);
    state->probe_due = ch_pg_bool(counts, 0, STATE_PROBE_DUE);
    state->now_us = ch_pg_time(counts, 0, STATE_NOW);
    state->watched = ch_pg_int(counts, 0, STATE_WATCHED);
    state->unanswered = ch_pg_int(counts, 0, STATE_UNANSWERED);
    return true;
}

static bool select_stuck(ChPg *pg, ChPgParams *params, GArray **stuck, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    *stuck = g_array_new(FALSE, FALSE, sizeof(OrderStuck));
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        OrderStuck order = { ch_pg_uuid(rows, row, STUCK_ORDER),
                             ch_pg_int(rows, row, STUCK_REPEATS) };
        g_array_append_val(*stuck, order);
    }
    return true;
}

static bool forget_final(OrderWatchStore *self, GArray **gone, GError **error)
{
    return select_stuck(watch_of(self)->pg, ch_pg_params_new(&sql_forget_final), gone, error);
}

static bool look(OrderWatchStore *self, int64_t stuck_after_us, int64_t max_looked,
                 int64_t max_found, int64_t *passed, int64_t *found, GError **error)
{
    ChPgParams *params = with_int(&sql_look, stuck_after_us);
    ch_pg_add_int(params, 1, max_looked);
    ch_pg_add_int(params, 2, max_found);
    g_autoptr(ChPgRows) rows = ch_pg_query(watch_of(self)->pg, params, error);
    if (rows == NULL)
        return false;
    *passed = ch_pg_int(rows, 0, LOOK_PASSED);
    *found = ch_pg_int(rows, 0, LOOK_FOUND);
    return true;
}

static bool due(OrderWatchStore *self, int64_t stuck_after_us, int64_t before_us, int64_t max,
                GArray **stuck, GError **error)
{
    ChPgParams *params = with_int(&sql_select_due, stuck_after_us);
    ch_pg_add_time(params, 1, before_us);
    ch_pg_add_int(params, 2, max);
    ch_pg_add_int(params, 3, ORDER_WATCH_SLOWEST);
    return select_stuck(watch_of(self)->pg, params, stuck, error);
}

static void free_orders(Order **orders, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order_free(orders[i]);
}

static bool add_events(ChPg *pg, Order *const *orders, const ChTrace *traces, size_t n,
                       GError **error)
{
    g_autofree Order **open = g_new(Order *, n);
    g_autofree ChTrace *told = g_new(ChTrace, n);
    size_t n_open = 0;
    for (size_t i = 0; i < n; i++) {
        if (orders[i] == NULL || orders[i]->status != ORDER_CREATED)
            continue; /* it became final meanwhile */
        told[n_open] = traces[i];
        open[n_open++] = orders[i];
    }
    return order_events_created_again(pg, open, told, n_open, error);
}

static bool announce_again(OrderWatchStore *self, const OrderStuck *stuck, const ChTrace *traces,
                           size_t n, bool probe, GError **error)
{
    PgWatch *watch = watch_of(self);
    g_autoptr(ChPgParams) noted = ch_pg_params_new(&sql_note_announced);
    g_autofree OrderAsked *asked = g_new0(OrderAsked, n);
    g_autofree Order **orders = g_new0(Order *, n);
    for (size_t i = 0; i < n; i++) {
        asked[i].id = stuck[i].order_id;
        ch_pg_add_uuid(noted, 0, asked[i].id);
    }
    if (!watch->orders->ops->find(watch->orders, asked, n, orders, error))
        return false;
    bool ok = add_events(watch->pg, orders, traces, n, error);
    free_orders(orders, n);
    return ok && ch_pg_send(watch->pg, g_steal_pointer(&noted), NULL, error) &&
           (!probe || ch_pg_send(watch->pg, ch_pg_params_new(&sql_note_probe), NULL, error));
}

static bool overdue(OrderWatchStore *self, int64_t deadline_us, int64_t max, GArray **ids,
                    GError **error)
{
    ChPgParams *params = with_int(&sql_select_overdue, deadline_us);
    ch_pg_add_int(params, 1, max);
    g_autoptr(ChPgRows) rows = ch_pg_query(watch_of(self)->pg, params, error);
    if (rows == NULL)
        return false;
    *ids = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        ChUuid id = ch_pg_uuid(rows, row, 0);
        g_array_append_val(*ids, id);
    }
    return true;
}

static void free_watch(OrderWatchStore *self)
{
    PgWatch *watch = watch_of(self);
    order_reads_free(watch->orders);
    g_free(watch);
}

static const OrderWatchStoreOps pg_watch_ops = {
    .begin = begin,
    .forget_final = forget_final,
    .look = look,
    .due = due,
    .announce_again = announce_again,
    .overdue = overdue,
    .free = free_watch,
};

OrderWatchStore *order_pg_watch_new(ChPg *pg)
{
    PgWatch *watch = g_new0(PgWatch, 1);
    watch->base.ops = &pg_watch_ops;
    watch->pg = pg;
    watch->orders = order_pg_reads_new(pg);
    return &watch->base;
}
