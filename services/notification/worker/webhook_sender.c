/* Claims, posts, records. */
#include "notification/worker/webhook_sender.h"

#include "chassis/core/cast.h"
#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"
#include "notification/worker/claims.h"

CH_COUNTER(results_total, "cartwheel_webhook_results_total",
           "what became of attempts to send a webhook", "result");

struct NotificationWebhookSender {
    ChSource base;
    NotificationWebhookSenderConfig config;
    NotificationClaims claims;
};

static const ChSourceOps source_ops;

static NotificationWebhookSender *sender_of(ChSource *source)
{
    return CH_CAST(NotificationWebhookSender, source, &source_ops);
}

/* ---- the source ---- */

/* NotificationClaim */
static bool claim(void *context, size_t max, void **items, size_t *n, GError **error)
{
    const NotificationWebhookSenderConfig *config = &((NotificationWebhookSender *)context)->config;
    return config->store->ops->claim(config->store, config->apart, max, config->lease_ms,
                                     (NotificationWebhook **)items, n, error);
}

static bool take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n, GError **error)
{
    return notification_claims_take(&sender_of(source)->claims, items, max, wait_ms, n, error);
}

static void settle(ChSource *source, void *const *items, size_t n)
{
    static const char *const results[] = {
        [NOTIFICATION_DELIVERED] = "sent",
        [NOTIFICATION_REFUSED] = "failed",
        [NOTIFICATION_TRY_LATER] = "retried",
        [NOTIFICATION_GIVEN_BACK] = "given_back",
    };
    NotificationWebhookSender *sender = sender_of(source);
    NotificationWebhook *const *webhooks = (NotificationWebhook *const *)items;
    notification_webhooks_log(webhooks, n);
    for (size_t i = 0; i < n; i++) {
        ch_metric_add(ch_metric(&results_total, results[webhooks[i]->verdict]), 1);
        if (webhooks[i]->verdict == NOTIFICATION_GIVEN_BACK && webhooks[i]->pause_ms == 0)
            notification_claims_pause(&sender->claims);
    }
    notification_claims_free_all(&sender->claims, items, n);
}

/* The database refuses the record: without what was written it must take it. */
static bool fail(ChSource *source, void *item, const GError *why, GError **error)
{
    const NotificationWebhookSenderConfig *config = &sender_of(source)->config;
    NotificationWebhook *webhook = item;
    if (webhook->verdict != NOTIFICATION_DELIVERED)
        webhook->verdict = NOTIFICATION_REFUSED;
    g_free(webhook->error);
    webhook->error = g_strdup_printf("cannot be recorded: %s", why->message);
    const NotificationWebhook *one = webhook;
    return config->store->ops->record(config->store, &one, 1, config->disable_after_ms, error);
}

static void abandon(ChSource *source G_GNUC_UNUSED, void *item, const GError *why)
{
    NotificationWebhook *webhook = item;
    ch_log_error(
        "a webhook cannot be recorded, its attempts run out", CH_ID("order_id", webhook->order_id),
        CH_ID("subscription_id", webhook->subscription_id), CH_ERR(why), CH_TRACE(webhook->trace));
    notification_webhook_free(webhook);
}

static bool hold(ChSource *source G_GNUC_UNUSED, void *const *items G_GNUC_UNUSED,
                 size_t n G_GNUC_UNUSED, const GError *why G_GNUC_UNUSED)
{
    return true;
}

/* They are due again when their lease ends. */
static void release(ChSource *source, void *const *items, size_t n)
{
    notification_claims_free_all(&sender_of(source)->claims, items, n);
}

static void wake(ChSource *source)
{
    notification_claims_wake(&sender_of(source)->claims);
}

static ChSpan *span(ChSource *source G_GNUC_UNUSED, void *item, int64_t start_us)
{
    return ch_span_begin(((NotificationWebhook *)item)->trace, CH_SPAN_INTERNAL, start_us,
                         "deliver", "webhook");
}

static const ChSourceOps source_ops = {
    .take = take,
    .settle = settle,
    .fail = fail,
    .abandon = abandon,
    .hold = hold,
    .release = release,
    .wake = wake,
    .span = span,
};

/* ---- the handler ---- */

bool notification_webhook_sender_run(void *context, void *const *items, size_t n, GError **error)
{
    const NotificationWebhookSenderConfig *config = &((NotificationWebhookSender *)context)->config;
    notification_webhooks_send(config->post, (NotificationWebhook *const *)items, n);
    CH_FAULT_ON("after_send", "webhooks");
    return config->store->ops->record(config->store, (const NotificationWebhook *const *)items, n,
                                      config->disable_after_ms, error);
}

/* ---- life ---- */

NotificationWebhookSender *
notification_webhook_sender_new(const NotificationWebhookSenderConfig *config)
{
    NotificationWebhookSender *sender = g_new0(NotificationWebhookSender, 1);
    sender->base.ops = &source_ops;
    sender->config = *config;
    notification_claims_init(&sender->claims, config->work, claim, sender,
                             notification_webhook_free, config->stopping);
    return sender;
}

void notification_webhook_sender_free(void *opaque)
{
    NotificationWebhookSender *sender = opaque;
    if (sender == NULL)
        return;
    notification_claims_clear(&sender->claims);
    g_free(sender);
}

ChSource *notification_webhook_sender_source(NotificationWebhookSender *sender)
{
    return &sender->base;
}
