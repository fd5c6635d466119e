/* Reading orders. */
#include "order/infrastructure/pg_reads.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"
#include "order/infrastructure/asked.h"
#include "order/infrastructure/pg_prices.h"
#include "order/infrastructure/pg_statuses.h"
#include "order/infrastructure/pg_timelines.h"

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

/* $1 ids, $2 owners (nil: whoever's). */
static const ChPgStatement sql_find_orders = {
    "select " ORDER_COLUMNS ", asked.place"
    " from unnest($1, $2) with ordinality as asked (id, owner, place)"
    " join orders o on o.id = asked.id and asked.owner" ORDER_NIL_OR_ITS_CUSTOMER,
    { CH_PG_UUIDS, CH_PG_UUIDS },
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

/* Newest first, and oldest first. $1 limit, $2 before this id, $3 after it, $4 created at this time
 * or later, $5 earlier than it; then $6 customer, $7 status where they are asked for. The ids
 * narrow what is read down to the times, about: the index for newest first is the one for times
 * too. */
#define LIST_WHERE(condition, way, ...)                                                            \
    {                                                                                              \
        "select " ORDER_COLUMNS " from orders o where o.id < $2 and o.id > $3"                     \
        " and o.created_at >= $4 and o.created_at < $5" condition " order by o.id " way            \
        " limit $1",                                                                               \
        {                                                                                          \
            CH_PG_INT, CH_PG_UUID, CH_PG_UUID, CH_PG_TIME, CH_PG_TIME, __VA_ARGS__                 \
        }                                                                                          \
    }
#define BOTH_WAYS(condition, ...)                                                                  \
    {                                                                                              \
        LIST_WHERE(condition, "desc", __VA_ARGS__), LIST_WHERE(condition, "asc", __VA_ARGS__)      \
    }
static const ChPgStatement sql_list_all[] = BOTH_WAYS("", CH_PG_NONE);
static const ChPgStatement sql_list_customer[] = BOTH_WAYS(" and o.customer_id = $6", CH_PG_UUID);
static const ChPgStatement sql_list_status[] = BOTH_WAYS(" and o.status = $6", CH_PG_INT);
static const ChPgStatement sql_list_customer_status[] =
    BOTH_WAYS(" and o.customer_id = $6 and o.status = $7", CH_PG_UUID, CH_PG_INT);

/* $1 ids, $2 owners (nil: whoever's). The creation is the order's own row. The entries of each
 * place stand together. */
static const ChPgStatement sql_select_histories = {
    "select asked.place, entry.status, entry.cause, entry.happened_at"
    " from unnest($1, $2) with ordinality as asked (id, owner, place)"
    " join orders o on o.id = asked.id and asked.owner" ORDER_NIL_OR_ITS_CUSTOMER
    " cross join lateral ("
    " select 1::smallint as status, 'placed' as cause, o.created_at as happened_at"
    " union all select status, cause, happened_at from order_history where order_id = o.id) entry"
    " order by asked.place, entry.happened_at, entry.status",
    { CH_PG_UUIDS, CH_PG_UUIDS },
};
enum {
    HISTORY_PLACE,
    HISTORY_STATUS,
    HISTORY_CAUSE,
    HISTORY_HAPPENED_AT
};

typedef struct {
    OrderReads base;
    ChPg *pg;
} PgReads;

static const OrderReadsOps pg_reads_ops;

static ChPg *pg_of(OrderReads *self)
{
    return CH_CAST(PgReads, self, &pg_reads_ops)->pg;
}

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

static ChPgParams *asked_params(const ChPgStatement *statement, const OrderAsked *asked, size_t n)
{
    ChPgParams *params = ch_pg_params_new(statement);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, asked[i].id);
        ch_pg_add_uuid(params, 1, asked[i].owner);
    }
    return params;
}

/* A stranger's order has no row, and its items are left lying. */
static ChPgParams *items_params(const OrderAsked *asked, size_t n)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_items);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, asked[i].id);
    return params;
}

static bool find(OrderReads *self, const OrderAsked *asked, size_t n, Order **orders,
                 GError **error)
{
    ChPg *pg = pg_of(self);
    g_autoptr(ChPgRows) rows = NULL;
    g_autoptr(ChPgRows) items = NULL;
    if (!ch_pg_send(pg, asked_params(&sql_find_orders, asked, n), &rows, error) ||
        !ch_pg_send(pg, items_params(asked, n), &items, error) || !ch_pg_wait(pg, error))
        return false;
    for (size_t i = 0; i < n; i++)
        orders[i] = NULL;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        orders[ch_pg_int(rows, row, ORDER_PLACE) - 1] = order_from(rows, row);
    share_out(orders, items);
    return true;
}

static bool statuses(OrderReads *self, const OrderAsked *asked, size_t n, OrderStatus *found,
                     GError **error)
{
    return order_pg_statuses(pg_of(self), asked, n, found, error);
}

static ChPgParams *page_params(const OrderFilter *filter)
{
    const ChPgStatement *ways = sql_list_all;
    if (filter->has_customer)
        ways = filter->has_status ? sql_list_customer_status : sql_list_customer;
    else if (filter->has_status)
        ways = sql_list_status;
    ChPgParams *params = ch_pg_params_new(&ways[filter->page.oldest_first]);
    ChUuid after;
    ChUuid before;
    ch_page_bounds(&filter->page, &after, &before);
    ch_pg_add_int(params, 0, filter->page.rows);
    ch_pg_add_uuid(params, 1, before);
    ch_pg_add_uuid(params, 2, after);
    ch_pg_add_time(params, 3, filter->page.created.from_us);
    ch_pg_add_time(params, 4, filter->page.created.before_us);
    size_t next = 5;
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

static GPtrArray *page_from(const ChPgRows *rows)
{
    GPtrArray *page = g_ptr_array_new_with_free_func(free_order);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++)
        g_ptr_array_add(page, order_from(rows, row));
    return page;
}

static bool find_pages(ChPg *pg, const OrderFilter *filters, size_t n, GPtrArray **pages,
                       GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = page_params(&filters[i]);
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        pages[i] = page_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

/* A statement a page: the rows of all in one would be too many for the connection's buffers. */
static bool fill_pages(ChPg *pg, GPtrArray *const *pages, size_t n, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_select_items);
        for (guint k = 0; k < pages[i]->len; k++)
            ch_pg_add_uuid(params[i], 0, ((const Order *)g_ptr_array_index(pages[i], k))->id);
    }
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        share_out((Order *const *)pages[i]->pdata, rows[i]);
        g_clear_pointer(&rows[i], ch_pg_rows_free);
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

/* An order's items are committed with it and never change: they are those of the page, although
 * they are read after it. */
static bool list(OrderReads *self, const OrderFilter *filters, size_t n, GPtrArray **pages,
                 GError **error)
{
    ChPg *pg = pg_of(self);
    if (!find_pages(pg, filters, n, pages, error))
        return false;
    if (fill_pages(pg, pages, n, error))
        return true;
    for (size_t i = 0; i < n; i++)
        g_clear_pointer(&pages[i], g_ptr_array_unref);
    return false;
}

static void clear_entry(void *entry)
{
    g_free(((OrderHistoryEntry *)entry)->cause);
}

static GArray *new_history(void)
{
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(OrderHistoryEntry));
    g_array_set_clear_func(entries, clear_entry);
    return entries;
}

static bool histories(OrderReads *self, const OrderAsked *asked, size_t n, GArray **found,
                      GError **error)
{
    g_autoptr(ChPgRows) rows =
        ch_pg_query(pg_of(self), asked_params(&sql_select_histories, asked, n), error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = NULL;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        GArray **history = &found[ch_pg_int(rows, row, HISTORY_PLACE) - 1];
        OrderHistoryEntry entry = {
            .status = (OrderStatus)ch_pg_int(rows, row, HISTORY_STATUS),
            .cause = g_strdup(ch_pg_text(rows, row, HISTORY_CAUSE)),
            .happened_us = ch_pg_time(rows, row, HISTORY_HAPPENED_AT),
        };
        if (*history == NULL)
            *history = new_history();
        g_array_append_val(*history, entry);
    }
    return true;
}

static bool timelines(OrderReads *self, const OrderAsked *asked, size_t n, OrderTimeline **found,
                      GError **error)
{
    return order_pg_timelines(pg_of(self), asked, n, found, error);
}

static bool prices(OrderReads *self, OrderPrice *found, size_t n, GError **error)
{
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), order_pg_find_prices(found, n), error);
    if (rows == NULL)
        return false;
    order_pg_take_prices(rows, found, n);
    return true;
}

static bool list_prices(OrderReads *self, const ChPage *pages, size_t n, GPtrArray **found,
                        GError **error)
{
    return order_pg_list_prices(pg_of(self), pages, n, found, error);
}

static bool price_versions(OrderReads *self, const OrderPriceRange *ranges, size_t n,
                           GPtrArray **pages, GError **error)
{
    return order_pg_price_versions(pg_of(self), ranges, n, pages, error);
}

static void free_reads(OrderReads *self)
{
    g_free(CH_CAST(PgReads, self, &pg_reads_ops));
}

static const OrderReadsOps pg_reads_ops = {
    .find = find,
    .statuses = statuses,
    .list = list,
    .histories = histories,
    .timelines = timelines,
    .prices = prices,
    .list_prices = list_prices,
    .price_versions = price_versions,
    .free = free_reads,
};

OrderReads *order_pg_reads_new(ChPg *pg)
{
    PgReads *reads = g_new0(PgReads, 1);
    reads->base.ops = &pg_reads_ops;
    reads->pg = pg;
    return &reads->base;
}
