/* That a final event was sent leaves no row, so nothing here says it: ./cartwheel reconcile does,
 * by what the other services have of the order. */
#include "order/infrastructure/pg_invariants.h"

#define STATUS_NAME(status) "(array['Created', 'Confirmed', 'Cancelled'])[" status "]"

/* $1 the last order looked at, $2 how many. The creation of an order is in no history. */
/* clang-format off */
static const ChPgStatement sql_look_at_history = {
    "with looked as materialized ("
    "  select id, status from orders"
    "  where id > (case $1 when '' then '00000000-0000-0000-0000-000000000000' else $1 end)::uuid"
    "  order by id limit $2),"
    " judged as ("
    "  select l.id, row_number() over (order by l.id) as place, count(*) over () as n,"
    "    case when h.strange is not null then 'its history has a status of ' || h.strange"
    "      when coalesce(h.last, 1) <> l.status then 'it is ' || " STATUS_NAME("l.status")
    "        || ', its history ends with ' || " STATUS_NAME("coalesce(h.last, 1)")
    "      when h.confirmed_at > h.cancelled_at then 'it was cancelled before it was confirmed'"
    "    end as fault"
    "  from looked l left join lateral ("
    "    select max(status) as last, max(status) filter (where status not in (2, 3)) as strange,"
    "      max(happened_at) filter (where status = 2) as confirmed_at,"
    "      max(happened_at) filter (where status = 3) as cancelled_at"
    "    from order_history where order_id = l.id) as h on true)"
    " select id::text, place, id::text, fault from judged where fault is not null or place = n"
    " order by place",
    { CH_PG_TEXT, CH_PG_INT },
};
/* clang-format on */

const ChAuditorCheck order_invariants[ORDER_INVARIANTS_N] = {
    { "order_history", &sql_look_at_history },
};
