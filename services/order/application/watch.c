/* Finding stuck orders, and announcing them again within bounds. */
#include "order/application/watch.h"

#include "chassis/core/log.h"

/* Those that had to be announced again are told of one by one; a backlog that drains is not. */
static bool forget_final(OrderWatchStore *store, int64_t *watched, GError **error)
{
    g_autoptr(GArray) gone = NULL;
    if (*watched == 0)
        return true;
    if (!store->ops->forget_final(store, &gone, error))
        return false;
    for (guint i = 0; i < gone->len; i++) {
        const OrderStuck *stuck = &g_array_index(gone, OrderStuck, i);
        if (stuck->repeats > 0)
            ch_log_info("stuck order is final", CH_ID("order_id", stuck->order_id),
                        CH_INT("repeats", stuck->repeats));
    }
    *watched -= gone->len;
    return true;
}

static bool look(OrderWatchStore *store, int64_t stuck_after_us, OrderWatchReport *report,
                 GError **error)
{
    int64_t room = MIN(ORDER_WATCH_MAX - report->watched, ORDER_WATCH_FIND);
    int64_t passed = 0;
    int64_t found = 0;
    if (room <= 0)
        return true;
    if (!store->ops->look(store, stuck_after_us, ORDER_WATCH_LOOK, room, &passed, &found, error))
        return false;
    report->watched += found;
    report->more = passed == ORDER_WATCH_LOOK;
    if (found > 0)
        ch_log_warning("orders are not final in time", CH_INT("found", found),
                       CH_INT("stuck", report->watched));
    return true;
}

static bool announce(OrderWatchStore *store, const GArray *due, bool probe, GError **error)
{
    const OrderStuck *stuck = (const OrderStuck *)(void *)due->data;
    g_autofree ChTrace *traces = g_new(ChTrace, due->len);
    for (guint i = 0; i < due->len; i++)
        traces[i] = ch_trace_new();
    if (!store->ops->announce_again(store, stuck, traces, due->len, probe, error))
        return false;
    for (guint i = 0; i < due->len; i++)
        ch_log_warning("stuck order is announced again", CH_ID("order_id", stuck[i].order_id),
                       CH_INT("repeats", stuck[i].repeats + 1), CH_TRACE(traces[i]));
    return true;
}

/* Announces what is due of those last announced before @before_us. */
static bool announce_due(OrderWatchStore *store, int64_t stuck_after_us, int64_t before_us,
                         int64_t max, bool probe, int64_t *n, GError **error)
{
    g_autoptr(GArray) due = NULL;
    *n = 0;
    if (max <= 0)
        return true;
    if (!store->ops->due(store, stuck_after_us, before_us, max, &due, error))
        return false;
    *n = due->len;
    return due->len == 0 || announce(store, due, probe, error);
}

bool order_watch(OrderWatchStore *store, int64_t stuck_after_us, int64_t progress_us,
                 OrderWatchReport *report, GError **error)
{
    OrderWatchState state;
    OrderWatchReport seen = { .watched = 0 };
    if (!store->ops->begin(store, stuck_after_us, &state, error))
        return false;
    seen.watched = state.watched;
    if (state.mine) {
        int64_t overtaken_us = MIN(progress_us, state.now_us) - stuck_after_us;
        int64_t room = ORDER_WATCH_WINDOW - state.unanswered;
        if (!forget_final(store, &seen.watched, error) ||
            !look(store, stuck_after_us, &seen, error))
            return false;
        if (seen.watched > 0 &&
            !announce_due(store, stuck_after_us, overtaken_us, room, false, &seen.announced, error))
            return false;
        if (seen.watched > 0 && seen.announced == 0 && state.probe_due &&
            !announce_due(store, stuck_after_us, state.now_us - stuck_after_us, 1, true,
                          &seen.announced, error))
            return false;
    }
    *report = seen;
    return true;
}
