/* The statements are the test's own: a store that wrote nonsense could read it back unharmed. */
#include "sql.h"

#include "chassis/postgres/connection.h"
#include "order/infrastructure/pg_store.h"
#include "stock/infrastructure/pg_store.h"

#include <string.h>

/* $1 orders. */
static const ChPgStatement sql_orders = {
    "select id, status from orders where id = any($1)",
    { CH_PG_UUIDS },
};
static const ChPgStatement sql_history = {
    "select order_id, status, count(*) from order_history where order_id = any($1) group by 1, 2",
    { CH_PG_UUIDS },
};
/* Of both databases: all events that wait. */
static const ChPgStatement sql_events = {
    "select (convert_from(body, 'UTF8')::json -> 'Data' ->> 'OrderId')::uuid, message_type,"
    " count(*) from outbox group by 1, 2",
    { CH_PG_NONE },
};
static const ChPgStatement sql_reservations = {
    "select order_id, status from stock_reservations where order_id = any($1)",
    { CH_PG_UUIDS },
};
/* $1 products. */
static const ChPgStatement sql_ledger = {
    "select product_id, order_id, kind, count(*), sum(delta)::bigint from stock_movements"
    " where product_id = any($1) group by 1, 2, 3",
    { CH_PG_UUIDS },
};
static const ChPgStatement sql_levels = {
    "select product_id, quantity from stock where product_id = any($1)",
    { CH_PG_UUIDS },
};
static const ChPgStatement sql_delete_events = { "delete from outbox", { CH_PG_NONE } };

void sql_init(Sql *sql, const char *orders_url, const char *stock_url)
{
    const ChPgConfig orders = { .url = orders_url, .application_name = "properties" };
    const ChPgConfig stock = { .url = stock_url, .application_name = "properties" };
    sql->orders_pg = ch_pg_new(&orders);
    sql->stock_pg = ch_pg_new(&stock);
    sql->orders = order_pg_store_new(sql->orders_pg);
    sql->stock = stock_pg_store_new(sql->stock_pg);
}

void sql_clear(Sql *sql)
{
    order_store_free(sql->orders);
    stock_store_free(sql->stock);
    ch_pg_free(sql->orders_pg);
    ch_pg_free(sql->stock_pg);
}

bool sql_begin(ChPg *pg, GError **error)
{
    if (!ch_pg_connect(pg, error))
        return false;
    ch_pg_begin(pg);
    return true;
}

static ChPgParams *ids(const ChPgStatement *statement, const ChUuid *values, size_t n)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, values[i]);
    return params;
}

static void read_orders(const ChPgRows *orders, const ChPgRows *history, const ChPgRows *events,
                        Facts *facts)
{
    for (size_t row = 0; row < ch_pg_rows_count(orders); row++) {
        ChUuid id = ch_pg_uuid(orders, row, 0);
        if (is_spare(id))
            facts->strays++;
        else
            facts->orders[number_of(id)].status = ch_pg_int(orders, row, 1);
    }
    for (size_t row = 0; row < ch_pg_rows_count(history); row++)
        facts->orders[number_of(ch_pg_uuid(history, row, 0))].entered[ch_pg_int(history, row, 1)] =
            ch_pg_int(history, row, 2);
    for (size_t row = 0; row < ch_pg_rows_count(events); row++) {
        unsigned number = number_of(ch_pg_uuid(events, row, 0));
        const char *type = ch_pg_text(events, row, 1);
        int64_t n = ch_pg_int(events, row, 2);
        if (strcmp(type, "OrderCreatedEvent") == 0)
            facts->orders[number].created += n;
        else if (strcmp(type, "OrderConfirmedEvent") == 0)
            facts->orders[number].confirmed += n;
        else if (strcmp(type, "OrderCancelledEvent") == 0)
            facts->orders[number].cancelled += n;
        else
            facts->strays++;
    }
}

static bool orders_facts(Sql *sql, unsigned run, Facts *facts, GError **error)
{
    ChPg *pg = sql->orders_pg;
    ChUuid orders[2 * ORDERS];
    g_autoptr(ChPgRows) found = NULL;
    g_autoptr(ChPgRows) history = NULL;
    g_autoptr(ChPgRows) events = NULL;
    for (unsigned i = 0; i < ORDERS; i++) {
        orders[i] = order_id(run, i, false);
        orders[ORDERS + i] = order_id(run, i, true);
    }
    if (!sql_begin(pg, error) ||
        !ch_pg_send(pg, ids(&sql_orders, orders, G_N_ELEMENTS(orders)), &found, error) ||
        !ch_pg_send(pg, ids(&sql_history, orders, G_N_ELEMENTS(orders)), &history, error) ||
        !ch_pg_send(pg, ch_pg_params_new(&sql_events), &events, error) || !ch_pg_wait(pg, error) ||
        !ch_pg_commit(pg, error))
        return false;
    read_orders(found, history, events, facts);
    return true;
}

static void read_movement(const ChPgRows *ledger, size_t row, Facts *facts)
{
    unsigned product = number_of(ch_pg_uuid(ledger, row, 0));
    ChUuid order = ch_pg_uuid(ledger, row, 1);
    const char *kind = ch_pg_text(ledger, row, 2);
    int64_t sum = ch_pg_int(ledger, row, 4);
    if (ch_uuid_is_nil(order)) {
        facts->products[product].edited += sum;
        return;
    }
    bool took = strcmp(kind, "taken") == 0;
    Lines *lines = took ? &facts->stock[number_of(order)].took[product]
                        : &facts->stock[number_of(order)].gave[product];
    lines->lines += ch_pg_int(ledger, row, 3);
    lines->quantity += took ? -sum : sum;
}

static void read_stock(const ChPgRows *reservations, const ChPgRows *ledger, const ChPgRows *levels,
                       const ChPgRows *events, Facts *facts)
{
    for (size_t row = 0; row < ch_pg_rows_count(reservations); row++)
        facts->stock[number_of(ch_pg_uuid(reservations, row, 0))].reservation =
            ch_pg_int(reservations, row, 1);
    for (size_t row = 0; row < ch_pg_rows_count(ledger); row++)
        read_movement(ledger, row, facts);
    for (size_t row = 0; row < ch_pg_rows_count(levels); row++) {
        unsigned product = number_of(ch_pg_uuid(levels, row, 0));
        facts->products[product].exists = 1;
        facts->products[product].quantity = ch_pg_int(levels, row, 1);
    }
    for (size_t row = 0; row < ch_pg_rows_count(events); row++) {
        unsigned number = number_of(ch_pg_uuid(events, row, 0));
        const char *type = ch_pg_text(events, row, 1);
        int64_t n = ch_pg_int(events, row, 2);
        if (strcmp(type, "OrderStockProcessCompletedDomainEvent") == 0)
            facts->stock[number].taken += n;
        else if (strcmp(type, "OrderStockProcessFailedDomainEvent") == 0)
            facts->stock[number].refused += n;
        else if (strcmp(type, "StockReleasedEvent") == 0)
            facts->stock[number].released += n;
        else
            facts->strays++;
    }
}

static bool stock_facts(Sql *sql, unsigned run, Facts *facts, GError **error)
{
    ChPg *pg = sql->stock_pg;
    ChUuid orders[ORDERS];
    ChUuid products[PRODUCTS];
    g_autoptr(ChPgRows) reservations = NULL;
    g_autoptr(ChPgRows) ledger = NULL;
    g_autoptr(ChPgRows) levels = NULL;
    g_autoptr(ChPgRows) events = NULL;
    for (unsigned i = 0; i < ORDERS; i++)
        orders[i] = order_id(run, i, false);
    for (unsigned i = 0; i < PRODUCTS; i++)
        products[i] = product_id(run, i);
    if (!sql_begin(pg, error) ||
        !ch_pg_send(pg, ids(&sql_reservations, orders, ORDERS), &reservations, error) ||
        !ch_pg_send(pg, ids(&sql_ledger, products, PRODUCTS), &ledger, error) ||
        !ch_pg_send(pg, ids(&sql_levels, products, PRODUCTS), &levels, error) ||
        !ch_pg_send(pg, ch_pg_params_new(&sql_events), &events, error) || !ch_pg_wait(pg, error) ||
        !ch_pg_commit(pg, error))
        return false;
    read_stock(reservations, ledger, levels, events, facts);
    return true;
}

bool sql_facts(Sql *sql, unsigned run, Facts *facts, GError **error)
{
    memset(facts, 0, sizeof *facts);
    return orders_facts(sql, run, facts, error) && stock_facts(sql, run, facts, error);
}

bool sql_forget_events(Sql *sql, GError **error)
{
    ChPg *const both[] = { sql->orders_pg, sql->stock_pg };
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        if (!sql_begin(both[i], error) ||
            !ch_pg_send(both[i], ch_pg_params_new(&sql_delete_events), NULL, error) ||
            !ch_pg_commit(both[i], error))
            return false;
    }
    return true;
}
