/* Claims, sends, records. */
#include "notification/worker/sender.h"

#include "chassis/core/cast.h"
#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"
#include "notification/worker/claims.h"

CH_COUNTER(results_total, "cartwheel_notification_results_total",
           "what became of attempts to send a notification", "result");
CH_COUNTER(fallback_total, "cartwheel_notification_fallback_total",
           "notifications sent with a made-up name or address", NULL);
CH_HISTOGRAM(batch_size, "cartwheel_notification_batch_size", "notifications sent at once", NULL,
             CH_BUCKETS_SIZE);
CH_HISTOGRAM(send_seconds, "cartwheel_notification_send_seconds",
             "time of looking up, filling in and sending one batch", NULL, CH_BUCKETS_SECONDS);

struct NotificationSender {
    ChSource base;
    NotificationSenderConfig config;
    NotificationClaims claims;
};

static const ChSourceOps sender_source_ops;

static NotificationSender *sender_of(ChSource *source)
{
    return CH_CAST(NotificationSender, source, &sender_source_ops);
}

/* ---- taking ---- */

/* NotificationClaim */
static bool claim(void *context, size_t max, void **items, size_t *n, GError **error)
{
    const NotificationSenderConfig *config = &((NotificationSender *)context)->config;
    return !notification_may_send(&config->gateways) ||
           notification_claim(config->store, config->templates, max, config->lease_ms,
                              (NotificationDelivery **)items, n, error);
}

static bool source_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error)
{
    return notification_claims_take(&sender_of(source)->claims, items, max, wait_ms, n, error);
}

/* ---- settling ---- */

static void source_settle(ChSource *source, void *const *items, size_t n)
{
    static const char *const results[] = {
        [NOTIFICATION_UNDECIDED] = "undecided",   [NOTIFICATION_DELIVERED] = "sent",
        [NOTIFICATION_REFUSED] = "failed",        [NOTIFICATION_TRY_LATER] = "retried",
        [NOTIFICATION_GIVEN_BACK] = "given_back",
    };
    NotificationSender *sender = sender_of(source);
    NotificationDelivery *const *deliveries = (NotificationDelivery *const *)items;
    notification_log_results(deliveries, n);
    for (size_t i = 0; i < n; i++) {
        NotificationVerdict verdict = deliveries[i]->verdict;
        ch_metric_add(ch_metric(&results_total, results[verdict]), 1);
        if (verdict == NOTIFICATION_DELIVERED && deliveries[i]->fallback)
            ch_metric_add(ch_metric(&fallback_total, NULL), 1);
        if (verdict == NOTIFICATION_GIVEN_BACK)
            notification_claims_pause(&sender->claims);
    }
    notification_claims_free_all(&sender->claims, items, n);
}

/* The database refuses the record: without what was written it must take it. */
static bool source_fail(ChSource *source, void *item, const GError *why, GError **error)
{
    NotificationSender *sender = sender_of(source);
    NotificationDelivery *delivery = item;
    if (delivery->verdict != NOTIFICATION_DELIVERED)
        delivery->verdict = NOTIFICATION_REFUSED;
    g_clear_pointer(&delivery->destination, g_free);
    g_clear_pointer(&delivery->subject, g_free);
    g_clear_pointer(&delivery->body, g_free);
    g_free(delivery->error);
    delivery->error = g_strdup_printf("cannot be recorded: %s", why->message);
    const NotificationDelivery *one = delivery;
    return sender->config.store->ops->record(sender->config.store, &one, 1, error);
}

static void source_abandon(ChSource *source G_GNUC_UNUSED, void *item, const GError *why)
{
    NotificationDelivery *delivery = item;
    ch_log_error("a notification cannot be recorded, its attempts run out",
                 CH_ID("order_id", delivery->order_id), CH_ID("notification_id", delivery->id),
                 CH_ERR(why), CH_TRACE(delivery->trace));
    notification_delivery_free(delivery);
}

static bool source_hold(ChSource *source G_GNUC_UNUSED, void *const *items G_GNUC_UNUSED,
                        size_t n G_GNUC_UNUSED, const GError *why G_GNUC_UNUSED)
{
    return true;
}

/* They are due again when their lease ends. */
static void source_release(ChSource *source, void *const *items, size_t n)
{
    notification_claims_free_all(&sender_of(source)->claims, items, n);
}

static void source_wake(ChSource *source)
{
    notification_claims_wake(&sender_of(source)->claims);
}

static ChSpan *source_span(ChSource *source G_GNUC_UNUSED, void *item, int64_t start_us)
{
    return ch_span_begin(((NotificationDelivery *)item)->trace, CH_SPAN_INTERNAL, start_us,
                         "deliver", "notification");
}

static const ChSourceOps sender_source_ops = {
    .take = source_take,
    .settle = source_settle,
    .fail = source_fail,
    .abandon = source_abandon,
    .hold = source_hold,
    .release = source_release,
    .wake = source_wake,
    .span = source_span,
};

/* ---- the handler ---- */

bool notification_sender_run(void *context, void *const *items, size_t n, GError **error)
{
    NotificationSender *sender = context;
    NotificationStore *store = sender->config.store;
    int64_t start_us = ch_time_monotonic_us();
    notification_send(&sender->config.gateways, (NotificationDelivery *const *)items, n);
    CH_FAULT_ON("after_send", "sender");
    ch_metric_observe(ch_metric(&batch_size, NULL), (double)n);
    ch_metric_observe_since(ch_metric(&send_seconds, NULL), start_us);
    return store->ops->record(store, (const NotificationDelivery *const *)items, n, error);
}

/* ---- life ---- */

NotificationSender *notification_sender_new(const NotificationSenderConfig *config)
{
    NotificationSender *sender = g_new0(NotificationSender, 1);
    sender->base.ops = &sender_source_ops;
    sender->config = *config;
    notification_claims_init(&sender->claims, config->work, claim, sender,
                             notification_delivery_free, config->stopping);
    return sender;
}

void notification_sender_free(void *opaque)
{
    NotificationSender *sender = opaque;
    if (sender == NULL)
        return;
    notification_claims_clear(&sender->claims);
    g_free(sender);
}

ChSource *notification_sender_source(NotificationSender *sender)
{
    return &sender->base;
}
