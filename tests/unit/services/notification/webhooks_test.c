/* What receivers' answers mean, and what is posted. */
#include "notification/application/webhooks.h"

#include "chassis/core/log.h"
#include "notification/application/retries.h"
#include "notification/infrastructure/webhook_letter.h"

#include <fcntl.h>
#include <string.h>

/* ---- a post that answers as it is told ---- */

typedef struct {
    NotificationPost base;
    NotificationWebhookReceipt receipt; /* for all, but for the next */
    const char *why;
    size_t sent;
} FakePost;

static void fake_send(NotificationPost *self, const NotificationWebhook *const *webhooks, size_t n,
                      NotificationWebhookReceipt *receipts)
{
    FakePost *post = (FakePost *)self;
    for (size_t i = 0; i < n; i++) {
        g_assert_nonnull(webhooks[i]);
        receipts[i] = post->receipt;
        receipts[i].why = g_strdup(post->why);
    }
    post->sent += n;
}

static const NotificationPostOps fake_ops = { .send = fake_send };

static NotificationWebhook *new_webhook(int64_t attempt, int64_t failures)
{
    NotificationWebhook *webhook = g_new0(NotificationWebhook, 1);
    webhook->attempt = attempt;
    webhook->failures = failures;
    webhook->code = NOTIFICATION_ORDER_CONFIRMED;
    return webhook;
}

/* Sends one; the caller owns it. */
static NotificationWebhook *send_one(int64_t attempt, int64_t failures,
                                     NotificationWebhookReceipt receipt)
{
    FakePost post = { .base = { &fake_ops },
                      .receipt = receipt,
                      .why = receipt.was_taken ? NULL : "status 500" };
    NotificationWebhook *webhook = new_webhook(attempt, failures);
    notification_webhooks_send(&post.base, &webhook, 1);
    notification_webhooks_log(&webhook, 1);
    return webhook;
}

#define FAILURE ((NotificationWebhookReceipt){ .was_tried = true, .http_status = 500 })

/* ---- verdicts ---- */

static void test_taken(void)
{
    NotificationWebhook *webhook = send_one(
        1, 3,
        (NotificationWebhookReceipt){ .was_tried = true, .was_taken = true, .http_status = 204 });
    g_assert_cmpint(webhook->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_cmpint(webhook->http_status, ==, 204);
    g_assert_cmpint(webhook->pause_ms, ==, 0);
    g_assert_null(webhook->error);
    notification_webhook_free(webhook);
}

static void test_late_answers_are_told_apart(void)
{
    static const struct {
        int64_t took_ms;
        bool was_taken, was_slow;
    } rows[] = {
        { 0, true, false },   { 499, true, false },   { 500, true, true },
        { 5000, true, true }, { 5000, false, false }, /* it failed: that sends it apart already */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        NotificationWebhook *webhook = send_one(
            1, 0,
            (NotificationWebhookReceipt){
                .was_tried = true, .was_taken = rows[i].was_taken, .took_ms = rows[i].took_ms });
        g_assert_cmpint(webhook->was_slow, ==, rows[i].was_slow);
        notification_webhook_free(webhook);
    }
}

static void test_attempts_of_the_well_count(void)
{
    for (int64_t attempt = 1; attempt <= NOTIFICATION_MAX_ATTEMPTS; attempt++) {
        NotificationWebhook *webhook = send_one(attempt, 0, FAILURE);
        bool last = attempt == NOTIFICATION_MAX_ATTEMPTS;
        g_assert_cmpint(webhook->verdict, ==, last ? NOTIFICATION_REFUSED : NOTIFICATION_TRY_LATER);
        g_assert_cmpint(webhook->pause_ms, >, 0);
        g_assert_cmpstr(webhook->error, ==, "status 500");
        notification_webhook_free(webhook);
    }
}

static void test_attempts_of_the_failing_do_not_count(void)
{
    NotificationWebhook *webhook = send_one(NOTIFICATION_MAX_ATTEMPTS, 7, FAILURE);
    g_assert_cmpint(webhook->verdict, ==, NOTIFICATION_GIVEN_BACK);
    g_assert_cmpint(webhook->pause_ms, >=, 300 * 1000); /* the longest, with its jitter */
    g_assert_cmpint(webhook->pause_ms, <=, 600 * 1000);
    g_assert_cmpint(webhook->retry_after_ms, ==, 1000); /* as soon as its receiver is well */
    notification_webhook_free(webhook);
}

static void test_pauses_grow(void)
{
    static const int64_t most_ms[] = { 5000, 30000, 120000, 600000, 600000 };
    for (size_t failures = 0; failures < G_N_ELEMENTS(most_ms); failures++) {
        NotificationWebhook *webhook = send_one(1, (int64_t)failures, FAILURE);
        g_assert_cmpint(webhook->pause_ms, >=, most_ms[failures] / 2);
        g_assert_cmpint(webhook->pause_ms, <=, most_ms[failures]);
        notification_webhook_free(webhook);
    }
}

static void test_a_longer_pause_is_kept(void)
{
    NotificationWebhookReceipt receipt = FAILURE;
    receipt.retry_after_ms = 550 * 1000;
    NotificationWebhook *webhook = send_one(1, 0, receipt);
    g_assert_cmpint(webhook->pause_ms, ==, receipt.retry_after_ms);
    g_assert_cmpint(webhook->retry_after_ms, ==, receipt.retry_after_ms);
    notification_webhook_free(webhook);
}

static void test_what_was_not_tried_blames_nobody(void)
{
    NotificationWebhook *webhook =
        send_one(2, 0, (NotificationWebhookReceipt){ .was_tried = false });
    g_assert_cmpint(webhook->verdict, ==, NOTIFICATION_GIVEN_BACK);
    g_assert_cmpint(webhook->pause_ms, ==, 0);
    notification_webhook_free(webhook);
}

static void test_gone(void)
{
    NotificationWebhook *webhook =
        send_one(1, 0, (NotificationWebhookReceipt){ .was_tried = true, .http_status = 410 });
    g_assert_true(webhook->is_unwanted);
    notification_webhook_free(webhook);
}

static void test_worn_out_ones_are_not_sent(void)
{
    FakePost post = { .base = { &fake_ops } };
    NotificationWebhook *webhook = new_webhook(NOTIFICATION_MAX_ATTEMPTS + 1, 0);
    notification_webhooks_send(&post.base, &webhook, 1);
    g_assert_cmpint(webhook->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpuint(post.sent, ==, 0);
    notification_webhook_free(webhook);
}

/* ---- letters ---- */

static ChUuid must_uuid(const char *text)
{
    ChUuid id;
    g_assert_true(ch_uuid_parse(text, strlen(text), &id));
    return id;
}

static NotificationWebhook *told_of(NotificationCode code, const char *placeholder,
                                    const char *value)
{
    NotificationWebhook *webhook = new_webhook(1, 0);
    webhook->code = code;
    webhook->event_id = must_uuid("0190a000-0000-7000-8000-0000000000e1");
    webhook->order_id = must_uuid("0190a000-0000-7000-8000-0000000000a1");
    webhook->customer_id = must_uuid("0190a000-0000-7000-8000-0000000000c1");
    webhook->noted_us = INT64_C(1764067620000000);
    webhook->secret = g_strdup("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    notification_values_set(&webhook->values, code, placeholder, value);
    notification_values_set(&webhook->values, code, "Currency", "USD");
    return webhook;
}

/* The signature was computed by Python's hmac. */
static void test_letter(void)
{
    NotificationWebhook *webhook = told_of(NOTIFICATION_ORDER_CONFIRMED, "OrderTotal", "39.98");
    NotificationWebhookLetter letter;
    g_assert_true(notification_webhook_letter_write(&letter, webhook, INT64_C(1764067621999999)));
    g_assert_cmpstr(letter.body->str, ==,
                    "{\"type\":\"order.confirmed\",\"timestamp\":\"2025-11-25T10:47:00.000000Z\","
                    "\"data\":{\"orderId\":\"0190a000-0000-7000-8000-0000000000a1\","
                    "\"customerId\":\"0190a000-0000-7000-8000-0000000000c1\","
                    "\"total\":39.98,\"currency\":\"USD\"}}");
    g_assert_cmpstr(letter.headers[1], ==, "webhook-id: 0190a000-0000-7000-8000-0000000000e1");
    g_assert_cmpstr(letter.headers[2], ==, "webhook-timestamp: 1764067621");
    g_assert_cmpstr(letter.headers[3], ==,
                    "webhook-signature: v1,1Bi+DQj2KQuwI7cdEvJcab2FOWN/EZrdz+EvZTa2SL0=");
    notification_webhook_letter_clear(&letter);
    notification_webhook_free(webhook);
}

static void test_letter_of_a_cancellation(void)
{
    NotificationWebhook *webhook = told_of(NOTIFICATION_ORDER_CANCELLED, "Reason", "\"no\"\n");
    NotificationWebhookLetter letter;
    g_assert_true(notification_webhook_letter_write(&letter, webhook, 0));
    g_assert_nonnull(strstr(letter.body->str, "\"reason\":\"\\\"no\\\"\\n\"}}"));
    notification_webhook_letter_clear(&letter);
    notification_webhook_free(webhook);
}

static void test_no_letter(void)
{
    NotificationWebhook *webhook = told_of(NOTIFICATION_ORDER_CONFIRMED, "OrderTotal", "1");
    NotificationWebhookLetter letter;
    g_free(webhook->secret);
    webhook->secret = g_strdup(""); /* of a subscription that is being deleted */
    g_assert_false(notification_webhook_letter_write(&letter, webhook, 0));
    notification_webhook_letter_clear(&letter);
    notification_webhook_free(webhook);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("webhooks-test", CH_LOG_ERROR);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    g_test_add_func("/webhooks/taken", test_taken);
    g_test_add_func("/webhooks/attempts/of-the-well-count", test_attempts_of_the_well_count);
    g_test_add_func("/webhooks/late-answers-are-told-apart", test_late_answers_are_told_apart);
    g_test_add_func("/webhooks/attempts/of-the-failing-do-not",
                    test_attempts_of_the_failing_do_not_count);
    g_test_add_func("/webhooks/pauses-grow", test_pauses_grow);
    g_test_add_func("/webhooks/a-longer-pause-is-kept", test_a_longer_pause_is_kept);
    g_test_add_func("/webhooks/not-tried", test_what_was_not_tried_blames_nobody);
    g_test_add_func("/webhooks/gone", test_gone);
    g_test_add_func("/webhooks/worn-out", test_worn_out_ones_are_not_sent);
    g_test_add_func("/webhooks/letter", test_letter);
    g_test_add_func("/webhooks/letter/of-a-cancellation", test_letter_of_a_cancellation);
    g_test_add_func("/webhooks/letter/none", test_no_letter);
    return g_test_run();
}
