/* Statuses of orders. */
#include "order/infrastructure/pg_statuses.h"

#include "order/infrastructure/asked.h"

/* $1 ids, $2 owners (nil: whoever's); one row each, in their order. */
static const ChPgStatement sql_select_statuses = {
    "select o.status from unnest($1, $2) with ordinality as asked (id, owner, place)"
    " left join orders o on o.id = asked.id and asked.owner" ORDER_NIL_OR_ITS_CUSTOMER
    " order by asked.place",
    { CH_PG_UUIDS, CH_PG_UUIDS },
};

bool order_pg_statuses(ChPg *pg, const OrderAsked *asked, size_t n, OrderStatus *found,
                       GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_statuses);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, asked[i].id);
        ch_pg_add_uuid(params, 1, asked[i].owner);
    }
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = (OrderStatus)ch_pg_int(rows, i, 0); /* null is 0 */
    return true;
}
