/* A batch of old webhooks a tick, and a look at how many wait. */
#include "notification/worker/webhook_upkeep.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

enum {
    PRUNE_BATCH = 5000,   /* rows in one transaction: it never blocks anyone for long */
    MAX_WAITING = 100000, /* of one subscription: a day of an order a second */
};

CH_COUNTER(overfull_total, "cartwheel_webhook_overfull_total",
           "subscriptions disabled because too many webhooks waited", NULL);

bool notification_webhook_upkeep_run(void *context, void *const *items G_GNUC_UNUSED,
                                     size_t n G_GNUC_UNUSED, GError **error)
{
    const NotificationWebhookUpkeep *upkeep = context;
    NotificationWebhookStore *store = upkeep->store;
    size_t pruned = 0;
    size_t disabled = 0;
    int64_t before_us = ch_time_now_us() - upkeep->retention_ms * 1000;
    if (!store->ops->prune(store, before_us, PRUNE_BATCH, &pruned, error) ||
        !store->ops->disable_overfull(store, MAX_WAITING, &disabled, error))
        return false;
    if (pruned == PRUNE_BATCH)
        ch_ticker_again(upkeep->ticker);
    if (disabled > 0) {
        ch_log_warning("subscriptions were disabled: too many webhooks wait for them",
                       CH_INT("subscriptions", disabled));
        ch_metric_add(ch_metric(&overfull_total, NULL), (int64_t)disabled);
    }
    return true;
}
