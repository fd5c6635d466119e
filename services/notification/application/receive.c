/* Taking in the ends of orders. */
#include "notification/application/receive.h"

#include "chassis/core/log.h"

bool notification_receive(NotificationStore *store, const NotificationEvent *const *events,
                          size_t n, GError **error)
{
    if (!store->ops->insert(store, events, n, error))
        return false;
    for (size_t i = 0; i < n; i++)
        ch_log_info("notification queued", CH_ID("order_id", events[i]->order_id),
                    CH_STR("code", notification_code_info(events[i]->code)->name),
                    CH_TRACE(events[i]->trace));
    return true;
}

static char *blocker(const NotificationEvent *event)
{
    char order_id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(event->order_id, order_id);
    return g_strdup_printf("order %s has its notification for this event", order_id);
}

bool notification_receive_replay_blockers(NotificationStore *store,
                                          const NotificationEvent *const *events, size_t n,
                                          char **blockers, GError **error)
{
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree bool *noted = g_new0(bool, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = events[i]->event_id;
    if (!store->ops->noted(store, ids, n, noted, error))
        return false;
    for (size_t i = 0; i < n; i++)
        blockers[i] = noted[i] ? blocker(events[i]) : NULL;
    return true;
}
