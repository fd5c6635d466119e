/* An order is open for seconds, so that the newest of a customer say how many of his are; no index
 * has to be kept for that when an order is placed or settled. */
#include "order/infrastructure/pg_open.h"

/* $1 customers, $2 how many of the newest; one row each, in their order. */
static const ChPgStatement sql_count_open = {
    "select (select count(*) from"
    "  (select o.status from orders o where o.customer_id = asked.customer_id"
    "   order by o.id desc limit $2) newest where newest.status = 1)"
    " from unnest($1) with ordinality as asked (customer_id, place) order by asked.place",
    { CH_PG_UUIDS, CH_PG_INT },
};

ChPgParams *order_pg_count_open(const OrderOpen *open, size_t n)
{
    ChPgParams *params = ch_pg_params_new(&sql_count_open);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, open[i].customer_id);
    ch_pg_add_int(params, 1, ORDER_OPEN_LOOKED_AT);
    return params;
}

void order_pg_take_open(const ChPgRows *rows, OrderOpen *open, size_t n)
{
    for (size_t i = 0; i < n; i++)
        open[i].orders = ch_pg_int(rows, i, 0);
}
