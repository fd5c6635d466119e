/* A batch of what is old a tick, and a look at how many webhooks wait. */
#include "notification/worker/upkeep.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

enum {
    PRUNE_BATCH = 5000,   /* rows in one transaction: it never blocks anyone for long */
    EMPTY_BATCH = 2000,   /* the same of rows that are written anew */
    MAX_WAITING = 100000, /* of one subscription: a day of an order a second */
};

CH_COUNTER(overfull_total, "cartwheel_webhook_overfull_total",
           "subscriptions disabled because too many webhooks waited", NULL);

static bool disable_overfull(NotificationWebhookStore *store, GError **error)
{
    size_t disabled = 0;
    if (!store->ops->disable_overfull(store, MAX_WAITING, &disabled, error))
        return false;
    if (disabled > 0) {
        ch_log_warning("subscriptions were disabled: too many webhooks wait for them",
                       CH_INT("subscriptions", disabled));
        ch_metric_add(ch_metric(&overfull_total, NULL), (int64_t)disabled);
    }
    return true;
}

bool notification_upkeep_run(void *context, void *const *items G_GNUC_UNUSED,
                             size_t n G_GNUC_UNUSED, GError **error)
{
    const NotificationUpkeep *upkeep = context;
    NotificationStore *notifications = upkeep->notifications;
    NotificationWebhookStore *webhooks = upkeep->webhooks;
    int64_t now_us = ch_time_now_us();
    size_t pruned = 0;
    size_t emptied = 0;
    if (!webhooks->ops->prune(webhooks, now_us - upkeep->webhook_retention_ms * 1000, PRUNE_BATCH,
                              &pruned, error) ||
        !notifications->ops->empty_old(notifications, now_us - upkeep->text_retention_ms * 1000,
                                       EMPTY_BATCH, &emptied, error) ||
        !disable_overfull(webhooks, error))
        return false;
    if (pruned == PRUNE_BATCH || emptied == EMPTY_BATCH)
        ch_ticker_again(upkeep->ticker);
    return true;
}
