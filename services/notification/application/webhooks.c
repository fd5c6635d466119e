/* Sending webhooks, and what their receivers' answers mean. */
#include "notification/application/webhooks.h"

#include "chassis/core/log.h"
#include "notification/application/retries.h"

enum {
    GIVEN_BACK_MS = 1000, /* what was not tried, or for nothing */
    SLOW_MS = 500,        /* a batch waits for its last answer; most receivers note and answer */
    STATUS_GONE = 410,    /* Standard Webhooks: disable the endpoint */
};

void notification_webhook_free(void *opaque)
{
    NotificationWebhook *webhook = opaque;
    if (webhook == NULL)
        return;
    notification_values_clear(&webhook->values);
    g_free(webhook->url);
    g_free(webhook->secret);
    g_free(webhook->error);
    g_free(webhook);
}

/* ---- sending ---- */

/* Whatever it was, it may be put right: a 404 of a deployment, a certificate that expired. */
static void fail_attempt(NotificationWebhook *webhook, int64_t asked_ms)
{
    bool counts = webhook->failures == 0;
    webhook->pause_ms = MAX(notification_retry_delay_ms(webhook->failures + 1), asked_ms);
    if (!counts) { /* its receiver's pause is long enough; the next one tried is another one */
        webhook->verdict = NOTIFICATION_GIVEN_BACK;
        webhook->retry_after_ms = GIVEN_BACK_MS;
    } else if (webhook->attempt >= NOTIFICATION_MAX_ATTEMPTS) {
        webhook->verdict = NOTIFICATION_REFUSED;
    } else {
        webhook->verdict = NOTIFICATION_TRY_LATER;
        webhook->retry_after_ms = MAX(notification_retry_delay_ms(webhook->attempt), asked_ms);
    }
}

/* Takes receipt->why. */
static void judge(NotificationWebhook *webhook, NotificationWebhookReceipt *receipt)
{
    webhook->http_status = receipt->http_status;
    webhook->is_unwanted = receipt->http_status == STATUS_GONE;
    if (receipt->was_taken) {
        webhook->was_slow = receipt->took_ms >= SLOW_MS;
        g_free(receipt->why);
        webhook->verdict = NOTIFICATION_DELIVERED;
        return;
    }
    g_free(webhook->error);
    webhook->error = notification_tidy_reason(receipt->why);
    if (receipt->was_tried) {
        fail_attempt(webhook, receipt->retry_after_ms);
        return;
    }
    webhook->verdict = NOTIFICATION_GIVEN_BACK;
    webhook->retry_after_ms = GIVEN_BACK_MS;
}

/* One that comes back so often without a verdict may be what ends us. */
static bool is_worn_out(NotificationWebhook *webhook)
{
    if (webhook->attempt <= NOTIFICATION_MAX_ATTEMPTS)
        return false;
    webhook->verdict = NOTIFICATION_REFUSED;
    webhook->error = g_strdup("its attempts ended without a result");
    return true;
}

void notification_webhooks_send(NotificationPost *post, NotificationWebhook *const *webhooks,
                                size_t n)
{
    g_autofree NotificationWebhook **open = g_new(NotificationWebhook *, n);
    g_autofree NotificationWebhookReceipt *receipts = g_new0(NotificationWebhookReceipt, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (webhooks[i]->verdict == NOTIFICATION_UNDECIDED && !is_worn_out(webhooks[i]))
            open[count++] = webhooks[i];
    }
    if (count == 0)
        return;
    post->ops->send(post, (const NotificationWebhook *const *)open, count, receipts);
    for (size_t i = 0; i < count; i++)
        judge(open[i], &receipts[i]);
}

/* ---- telling ---- */

static void log_result(const NotificationWebhook *webhook)
{
    static const struct {
        ChLogLevel level;
        const char *message;
    } lines[] = {
        [NOTIFICATION_DELIVERED] = { CH_LOG_INFO, "webhook sent" },
        [NOTIFICATION_REFUSED] = { CH_LOG_WARNING, "webhook failed" },
        [NOTIFICATION_TRY_LATER] = { CH_LOG_INFO, "webhook is tried again later" },
        [NOTIFICATION_GIVEN_BACK] = { CH_LOG_DEBUG, "webhook waits" },
    };
    g_assert(webhook->verdict != NOTIFICATION_UNDECIDED);
    CH_LOG_WRITE(lines[webhook->verdict].level, lines[webhook->verdict].message,
                 CH_ID("order_id", webhook->order_id),
                 CH_ID("subscription_id", webhook->subscription_id),
                 CH_INT("attempt", webhook->attempt), CH_STR("error", webhook->error),
                 CH_TRACE(webhook->trace));
}

void notification_webhooks_log(NotificationWebhook *const *webhooks, size_t n)
{
    ch_log_hold();
    for (size_t i = 0; i < n; i++)
        log_result(webhooks[i]);
    ch_log_release();
}
