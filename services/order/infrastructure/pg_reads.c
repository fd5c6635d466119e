/* Reading orders. */
#include "chassis/postgres/pipeline.h"
#include "order/infrastructure/pg_store.h"

#include <string.h>

#define ORDER_COLUMNS                                                                              \
    "o.id, o.customer_id, o.status, o.total, o.currency, o.reason, o.created_at, o.updated_at"

enum {
    ORDER_ID,
    ORDER_CUSTOMER,
    ORDER_STATUS,
    ORDER_TOTAL,
    ORDER_CURRENCY,
    ORDER_REASON,
    ORDER_CREATED_AT,
    ORDER_UPDATED_AT,
    ORDER_PLACE, /* of sql_find_orders */
};

/* $1 ids. */
static const ChPgStatement sql_find_orders = {
    "select " ORDER_COLUMNS ", asked.place"
    " from unnest($1) with ordinality as asked (id, place) join orders o on o.id = asked.id",
    { CH_PG_UUIDS },
};

/* $1 ids of orders, which may repeat; the items of each place stand together. */
static const ChPgStatement sql_select_items = {
    "select asked.place, i.product_id, i.quantity, i.unit_price"
    " from unnest($1) with ordinality as asked (id, place)"
    " join order_items i on i.order_id = asked.id order by asked.place, i.product_id",
    { CH_PG_UUIDS },
};
enum {
    ITEM_PLACE,
    ITEM_PRODUCT_ID,
    ITEM_QUANTITY,
    ITEM_UNIT_PRICE
};

/* Newest first. $1 limit, $2 before this id; then $3 customer, $4 status where they are asked for.
 */
#define SELECT_PAGE "select " ORDER_COLUMNS " from orders o where o.id < $2"
#define PAGE_END " order by o.id desc limit $1"

static const ChPgStatement sql_list_all = { SELECT_PAGE PAGE_END, { CH_PG_INT, CH_PG_UUID } };
static const ChPgStatement sql_list_customer = {
    SELECT_PAGE " and o.customer_id = $3" PAGE_END,
    { CH_PG_INT, CH_PG_UUID, CH_PG_UUID },
};
static const ChPgStatement sql_list_status = {
    SELECT_PAGE " and o.status = $3" PAGE_END,
    { CH_PG_INT, CH_PG_UUID, CH_PG_INT },
};
static const ChPgStatement sql_list_customer_status = {
    SELECT_PAGE " and o.customer_id = $3 and o.status = $4" PAGE_END,
    { CH_PG_INT, CH_PG_UUID, CH_PG_UUID, CH_PG_INT },
};

/* $1 id. The creation is the order's own row. */
static const ChPgStatement sql_select_history = {
    "select 1::smallint as status, 'placed' as cause, created_at as happened_at"
    " from orders where id = $1"
    " union all select status, cause, happened_at from order_history where order_id = $1"
    " order by happened_at, status",
    { CH_PG_UUID },
};
enum {
    HISTORY_STATUS,
    HISTORY_CAUSE,
    HISTORY_HAPPENED_AT
};

static Order *order_from(const ChPgRows *rows, size_t row)
{
    Order *order = g_new0(Order, 1);
    order->id = ch_pg_uuid(rows, row, ORDER_ID);
    order->customer_id = ch_pg_uuid(rows, row, ORDER_CUSTOMER);
    order->status = (OrderStatus)ch_pg_int(rows, row, ORDER_STATUS);
    order->total = ch_pg_decimal(rows, row, ORDER_TOTAL);
    g_strlcpy(order->currency, ch_pg_text(rows, row, ORDER_CURRENCY), sizeof order->currency);
    order->reason = g_strdup(ch_pg_text(rows, row, ORDER_REASON));
    order->created_us = ch_pg_time(rows, row, ORDER_CREATED_AT);
    order->updated_us = ch_pg_time(rows, row, ORDER_UPDATED_AT);
    return order;
}

/* Copies rows[first..first+n) into @order. */
static void take_items(Order *order, const ChPgRows *rows, size_t first, size_t n)
{
    order->items = g_new0(OrderItem, n);
    order->n_items = n;
    for (size_t i = 0; i < n; i++) {
        order->items[i] = (OrderItem){
            .product_id = ch_pg_uuid(rows, first + i, ITEM_PRODUCT_ID),
            .quantity = ch_pg_int(rows, first + i, ITEM_QUANTITY),
            .unit_price = ch_pg_decimal(rows, first + i, ITEM_UNIT_PRICE),
        };
    }
}

/* Gives each of orders[] its items; rows count places from 1. */
static void share_out(Order *const *orders, const ChPgRows *rows)
{
    size_t first = 0;
    while (first < ch_pg_rows_count(rows)) {
        int64_t place = ch_pg_int(rows, first, ITEM_PLACE);
        size_t n = 1;
        while (first + n < ch_pg_rows_count(rows) &&
               ch_pg_int(rows, first + n, ITEM_PLACE) == place)
            n++;
        if (orders[place - 1] != NULL) /* else it was committed between the two statements */
            take_items(orders[place - 1], rows, first, n);
        first += n;
    }
}

static ChPgParams *ids_params(const ChPgStatement *statement, const ChUuid *ids, size_t n)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, ids[i]);
    return params;
}

bool order_pg_find(OrderStore *self, const ChUuid *ids, size_t n, Order **orders, GError **error)
{
    ChPg *pg = order_pg(self);
    g_autoptr(ChPgRows) rows = NULL;
    g_autoptr(ChPgRows) items = NULL;
    if (!ch_pg_send(pg, ids_params(&sql_find_orders, ids, n), &rows, error) ||
        !ch_pg_send(pg, ids_params(&sql_select_items, ids, n), &items, error) ||
        !ch_pg_wait(pg, error))
        return false;
    for (size_t i = 0; i < n; i++)
        orders[i] = NULL;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        orders[ch_pg_int(rows, row, ORDER_PLACE) - 1] = order_from(rows, row);
    share_out(orders, items);
    return true;
}

static ChPgParams *page_params(const OrderFilter *filter)
{
    const ChPgStatement *statement = &sql_list_all;
    if (filter->has_customer)
        statement = filter->has_status ? &sql_list_customer_status : &sql_list_customer;
    else if (filter->has_status)
        statement = &sql_list_status;
    ChPgParams *params = ch_pg_params_new(statement);
    ChUuid newest;
    memset(newest.bytes, 0xff, sizeof newest.bytes);
    ch_pg_add_int(params, 0, filter->limit);
    ch_pg_add_uuid(params, 1, filter->has_before ? filter->before : newest);
    size_t next = 2;
    if (filter->has_customer)
        ch_pg_add_uuid(params, next++, filter->customer_id);
    if (filter->has_status)
        ch_pg_add_int(params, next, filter->status);
    return params;
}

static void free_order(void *order)
{
    order_free(order);
}

bool order_pg_list(OrderStore *self, const OrderFilter *filter, GPtrArray **orders, GError **error)
{
    ChPg *pg = order_pg(self);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, page_params(filter), error);
    if (rows == NULL)
        return false;
    g_autoptr(GPtrArray) page = g_ptr_array_new_with_free_func(free_order);
    ChPgParams *params = ch_pg_params_new(&sql_select_items);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        Order *order = order_from(rows, row);
        g_ptr_array_add(page, order);
        ch_pg_add_uuid(params, 0, order->id);
    }
    g_autoptr(ChPgRows) items = ch_pg_query(pg, params, error);
    if (items == NULL)
        return false;
    share_out((Order *const *)page->pdata, items);
    *orders = g_steal_pointer(&page);
    return true;
}

static void clear_entry(void *entry)
{
    g_free(((OrderHistoryEntry *)entry)->cause);
}

bool order_pg_history(OrderStore *self, ChUuid id, GArray **entries, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_history);
    ch_pg_add_uuid(params, 0, id);
    g_autoptr(ChPgRows) rows = ch_pg_query(order_pg(self), params, error);
    if (rows == NULL)
        return false;
    *entries = NULL;
    if (ch_pg_rows_count(rows) == 0)
        return true;
    *entries = g_array_new(FALSE, FALSE, sizeof(OrderHistoryEntry));
    g_array_set_clear_func(*entries, clear_entry);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        OrderHistoryEntry entry = {
            .status = (OrderStatus)ch_pg_int(rows, row, HISTORY_STATUS),
            .cause = g_strdup(ch_pg_text(rows, row, HISTORY_CAUSE)),
            .happened_us = ch_pg_time(rows, row, HISTORY_HAPPENED_AT),
        };
        g_array_append_val(*entries, entry);
    }
    return true;
}
