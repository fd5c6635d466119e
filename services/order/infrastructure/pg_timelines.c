/* The steps of orders: from the order itself, its history, the watch and the audit log. */
#include "order/infrastructure/pg_timelines.h"

#include "order/infrastructure/asked.h"

/* $1 ids, $2 owners (nil: whoever's). The steps of each place stand together; a cancellation that
 * somebody asked for is in the audit log, with who it was. The numbers of steps are OrderStepKind.
 */
static const ChPgStatement sql_select_timelines = {
    "select asked.place, o.status, step.kind, step.at, step.cause,"
    " nullif(replace(step.trace_id, '-', ''), repeat('0', 32)), step.actor, step.times,"
    " exists (select from stuck_orders s where s.order_id = o.id)"
    " from unnest($1, $2) with ordinality as asked (id, owner, place)"
    " join orders o on o.id = asked.id and asked.owner" ORDER_NIL_OR_ITS_CUSTOMER
    " cross join lateral ("
    " select 1 as kind, o.created_at as at, 'placed' as cause, o.trace_id::text as trace_id,"
    "  null::text as actor, 1 as times"
    " union all"
    " select h.status, h.happened_at, h.cause, h.trace_id::text,"
    "  (select a.subject from audit_log a where h.status = 3 and a.object_id = o.id"
    "   and a.action = 'cancelOrder' order by a.id limit 1), 1"
    "  from order_history h where h.order_id = o.id"
    " union all"
    " select 4, s.announced_at, 'not final in time', null, null, s.repeats"
    "  from stuck_orders s where s.order_id = o.id and s.repeats > 0"
    " union all"
    " (select 4, a.happened_at, 'announced by an operator', a.trace_id, a.subject, 1"
    "  from audit_log a where a.object_id = o.id and a.action = 'announceOrder'"
    "  order by a.id desc limit 100)) step"
    " order by asked.place, step.at, step.kind",
    { CH_PG_UUIDS, CH_PG_UUIDS },
};
enum {
    STEP_PLACE,
    STEP_STATUS,
    STEP_KIND,
    STEP_AT,
    STEP_CAUSE,
    STEP_TRACE_ID,
    STEP_ACTOR,
    STEP_TIMES,
    STEP_WATCHED,
};

static OrderTimeline *timeline_at(OrderTimeline **slot, ChUuid id, const ChPgRows *rows, size_t row)
{
    if (*slot == NULL) {
        *slot = order_timeline_new(id, (OrderStatus)ch_pg_int(rows, row, STEP_STATUS));
        (*slot)->is_watched = ch_pg_bool(rows, row, STEP_WATCHED);
    }
    return *slot;
}

bool order_pg_timelines(ChPg *pg, const OrderAsked *asked, size_t n, OrderTimeline **found,
                        GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_timelines);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, asked[i].id);
        ch_pg_add_uuid(params, 1, asked[i].owner);
    }
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = NULL;
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        int64_t place = ch_pg_int(rows, row, STEP_PLACE) - 1;
        OrderTimeline *timeline = timeline_at(&found[place], asked[place].id, rows, row);
        OrderStep step = {
            .kind = (OrderStepKind)ch_pg_int(rows, row, STEP_KIND),
            .at_us = ch_pg_time(rows, row, STEP_AT),
            .cause = g_strdup(ch_pg_text(rows, row, STEP_CAUSE)),
            .trace_id = g_strdup(ch_pg_text(rows, row, STEP_TRACE_ID)),
            .actor = g_strdup(ch_pg_text(rows, row, STEP_ACTOR)),
            .times = ch_pg_int(rows, row, STEP_TIMES),
        };
        g_array_append_val(timeline->steps, step);
    }
    return true;
}
