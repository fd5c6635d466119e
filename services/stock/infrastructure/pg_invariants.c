/* The ledger adds up to what is on hand; reservations and movements tell the same of an order. */
#include "stock/infrastructure/pg_invariants.h"

#define NO_ID "'00000000-0000-0000-0000-000000000000'"
#define LAST_ID "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
#define AFTER_ID "(case $1 when '' then " NO_ID " else $1 end)::uuid"

/* ---- the ledger ---- */

/* A position is a product, or in the midst of its ledger: product, movement, and the sum up to that
 * one, or '?' where there is no comparing it this time. */
#define AT_PRODUCT "(case $1 when '' then " NO_ID " else split_part($1, ' ', 1) end)::uuid"
#define AT_MOVEMENT                                                                                \
    "(case split_part($1, ' ', 2) when '' then " LAST_ID " else split_part($1, ' ', 2) end)::uuid"
#define AT_SUM "nullif(nullif(split_part($1, ' ', 3), '?'), '')"

/* Movements from before this id are all committed: no transaction lives longer than half a minute,
 * and they make their ids at its end. Only these may be summed in another snapshot than the rest.
 */
#define SETTLED                                                                                    \
    "(select (lpad(to_hex((extract(epoch from now() - interval '60 seconds') * 1000)::bigint), "   \
    "12, '0')"                                                                                     \
    " || '00000000000000000000')::uuid)"

/* $1 position, $2 how many movements. A product's ledger may be as long as it likes: the sum of its
 * settled part is carried along, and its end is compared with what is on hand in one snapshot.
 * Where a whole piece is of one product and too new to be settled, the product is not compared. */
/* clang-format off */
static const ChPgStatement sql_look_at_ledger = {
    "with piece as materialized ("
    "  select product_id, id, delta from stock_movements"
    "  where (product_id, id) > (" AT_PRODUCT ", " AT_MOVEMENT ")"
    "  order by product_id, id limit $2),"
    " size as materialized ("
    "  select count(*) as n, count(*) = $2 as is_full,"
    "    (select product_id from piece order by product_id desc limit 1) as last from piece),"
    " sums as materialized ("
    "  select product_id, sum(delta) + case when product_id <> " AT_PRODUCT " or $1 = '' then 0"
    "      else (" AT_SUM ")::numeric end as total,"
    "    sum(delta) filter (where id < " SETTLED ") + case"
    "      when product_id <> " AT_PRODUCT " or $1 = '' then 0"
    "      else (" AT_SUM ")::numeric end as settled,"
    "    max(id::text collate \"C\") filter (where id < " SETTLED ") as settled_id,"
    "    max(id::text collate \"C\") as last_id"
    "  from piece group by product_id),"
    " judged as ("
    "  select s.product_id, size.is_full and s.product_id = size.last as is_open,"
    "    s.total, s.settled, s.settled_id, s.last_id,"
    "    coalesce((select quantity from stock k where k.product_id = s.product_id), 0) as quantity"
    "  from sums s, size),"
    /* on hand, and nothing in the ledger */
    " silent as ("
    "  select k.product_id, k.quantity from stock k"
    "  where k.product_id > " AT_PRODUCT " and k.quantity <> 0"
    "    and k.product_id <= (select case when is_full then last else " LAST_ID "::uuid end from size)"
    "    and not exists (select from stock_movements m where m.product_id = k.product_id) limit $2),"
    " told as ("
    "  select product_id, product_id::text || case when not is_open then ''"
    "      when settled_id is null then ' ' || last_id || ' ?'"
    "      else ' ' || settled_id || ' ' || coalesce(settled::text, '?') end as position,"
    "    case when not is_open and quantity <> total"
    "      then 'the ledger adds up to ' || total || ', on hand are ' || quantity end as fault"
    "  from judged"
    "  union all select product_id, product_id::text,"
    "    'the ledger has nothing of it, on hand are ' || quantity from silent)"
    " select position, (select n from size), product_id::text, fault from ("
    "   select *, row_number() over (order by product_id desc) as from_end from told) as t"
    " where fault is not null or from_end = 1 order by from_end desc",
    { CH_PG_TEXT, CH_PG_INT },
};

/* ---- reservations ---- */

#define LOOKED_OF(columns, table, key)                                                             \
    "with looked as materialized (select " columns " from " table " where " key " > " AFTER_ID     \
    " order by " key " limit $2)"

/* $1 the last order looked at, $2 how many. */
static const ChPgStatement sql_look_at_reservations = {
    LOOKED_OF("order_id, status", "stock_reservations", "order_id") ","
    " judged as ("
    "  select l.order_id, row_number() over (order by l.order_id) as place, count(*) over () as n,"
    "    case when l.status in (1, 3) and coalesce(m.taken, 0) = 0"
    "        then 'its stock was taken, and no movement says so'"
    "      when l.status = 1 and m.released > 0"
    "        then 'its stock is taken, and a movement gives it back'"
    "      when l.status = 3 and m.is_uneven then 'what was given back is not what was taken'"
    "      when l.status in (2, 4) and m.taken + m.released > 0"
    "        then 'none of its stock was taken, and there are movements' end as fault"
    "  from looked l left join lateral ("
    "    select sum(taken) as taken, sum(released) as released, bool_or(sum <> 0) as is_uneven"
    "    from (select count(*) filter (where kind = 'taken') as taken,"
    "        count(*) filter (where kind = 'released') as released, sum(delta) as sum"
    "      from stock_movements where order_id = l.order_id group by product_id) as of_product"
    "   ) as m on true)"
    " select order_id::text, place, order_id::text, fault from judged"
    " where fault is not null or place = n order by place",
    { CH_PG_TEXT, CH_PG_INT },
};

/* $1 the last movement looked at, $2 how many. */
static const ChPgStatement sql_look_at_movements = {
    LOOKED_OF("id, order_id", "stock_movements", "id") ","
    " judged as ("
    "  select id, order_id, row_number() over (order by id) as place, count(*) over () as n,"
    "    case when order_id is not null and coalesce((select r.status from stock_reservations r"
    "        where r.order_id = looked.order_id), 0) not in (1, 3)"
    "      then 'a movement is of this order, and no reservation took stock for it' end as fault"
    "  from looked)"
    " select id::text, place, order_id::text, fault from judged"
    " where fault is not null or place = n order by place",
    { CH_PG_TEXT, CH_PG_INT },
};
/* clang-format on */

const ChAuditorCheck stock_invariants[STOCK_INVARIANTS_N] = {
    { "stock_ledger", &sql_look_at_ledger },
    { "stock_reservations", &sql_look_at_reservations },
    { "stock_movements", &sql_look_at_movements },
};

/* ---- for the order service ---- */

/* $1 after, $2 up to, $3 how many. Movements are looked up order by order: a join might read them
 * all. */
static const ChPgStatement sql_look_at_outcomes = {
    "select r.order_id, case r.status when 1 then coalesce((select -sum(m.delta)"
    "   from stock_movements m where m.order_id = r.order_id), 0) else 0 end::bigint"
    " from stock_reservations r where r.order_id > $1 and r.order_id <= $2"
    " order by r.order_id limit $3",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_INT },
};

const ChOutcomes stock_outcomes = {
    .service = "stock",
    .look = &sql_look_at_outcomes,
    .cancelled_queue = "stock.ordercancelled", /* a confirmation is its own doing */
};
