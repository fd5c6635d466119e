/* Each event that was taken in has its notification. */
#include "notification/infrastructure/pg_invariants.h"

/* $1 the last event looked at, $2 how many. */
/* clang-format off */
#define LOOK_AT_INBOX_OF(queue)                                                                    \
    {                                                                                              \
        "with looked as materialized ("                                                            \
        "  select event_id from inbox where consumer = '" queue "' and event_id > (case $1 when ''"\
        "    then '00000000-0000-0000-0000-000000000000' else $1 end)::uuid"                       \
        "  order by event_id limit $2),"                                                           \
        " judged as ("                                                                             \
        "  select event_id, row_number() over (order by event_id) as place, count(*) over () as n,"\
        "    case when (select n.id from notifications n where n.event_id = l.event_id) is null"   \
        "        and (select a.event_id from events_apart a where a.event_id = l.event_id) is null"\
        "      then 'the event was taken in, and no notification came of it' end as fault"         \
        "  from looked l)"                                                                         \
        " select event_id::text, place, event_id::text, fault from judged"                         \
        " where fault is not null or place = n order by place",                                    \
        { CH_PG_TEXT, CH_PG_INT },                                                                 \
    }
/* clang-format on */

static const ChPgStatement sql_look_at_confirmed = LOOK_AT_INBOX_OF("order.confirmed.queue");
static const ChPgStatement sql_look_at_cancelled = LOOK_AT_INBOX_OF("order.cancelled.queue");

const ChAuditorCheck notification_invariants[NOTIFICATION_INVARIANTS_N] = {
    { "confirmed_events", &sql_look_at_confirmed },
    { "cancelled_events", &sql_look_at_cancelled },
};

/* ---- for the order service ---- */

/* $1 after, $2 up to, $3 how many. In 16 bits each: confirmations, cancellations. */
static const ChPgStatement sql_look_at_outcomes = {
    "select order_id, count(*) filter (where template_code = 'ORDER_CONFIRMED')"
    "   + 65536 * count(*) filter (where template_code = 'ORDER_CANCELLED')"
    " from notifications where order_id > $1 and order_id <= $2"
    " group by order_id order by order_id limit $3",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_INT },
};

const ChOutcomes notification_outcomes = {
    .service = "notification",
    .look = &sql_look_at_outcomes,
    .confirmed_queue = "order.confirmed.queue",
    .cancelled_queue = "order.cancelled.queue",
};
