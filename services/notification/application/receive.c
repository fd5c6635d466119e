/* Taking in the ends of orders. */
#include "notification/application/use_cases.h"

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
