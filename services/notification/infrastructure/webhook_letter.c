/* {"type", "timestamp", "data"}, signed with HMAC-SHA256. */
#include "notification/infrastructure/webhook_letter.h"

#include "chassis/core/decimal.h"
#include "chassis/json/json_writer.h"
#include "notification/application/subscriptions.h"

enum {
    SIGNATURE_BYTES = 32,
};

/* A total is stored as it was shown; what is no number is none that we wrote. */
static void write_total(GString *json, const char *text)
{
    ChDecimal total;
    if (text != NULL && ch_decimal_parse(text, &total))
        ch_json_add_decimal(json, "total", total);
}

static void write_data(GString *json, const NotificationWebhook *webhook)
{
    const NotificationValues *values = &webhook->values;
    NotificationCode code = webhook->code;
    ch_json_begin_object(json, "data");
    ch_json_add_uuid(json, "orderId", webhook->order_id);
    ch_json_add_uuid(json, "customerId", webhook->customer_id);
    switch (code) {
    case NOTIFICATION_ORDER_CONFIRMED:
        write_total(json, notification_values_find(values, code, "OrderTotal"));
        ch_json_add_text(json, "currency", notification_values_find(values, code, "Currency"));
        break;
    case NOTIFICATION_ORDER_CANCELLED:
        ch_json_add_text(json, "reason", notification_values_find(values, code, "Reason"));
        break;
    case NOTIFICATION_CODES_N:
        g_assert_not_reached();
    }
    ch_json_end_object(json);
}

static GString *write_body(const NotificationWebhook *webhook)
{
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "type", notification_code_info(webhook->code)->webhook_type);
    ch_json_add_time(json, "timestamp", webhook->noted_us);
    write_data(json, webhook);
    ch_json_end_object(json);
    return json;
}

/* Of "<id>.<timestamp>.<body>", as base64; new. */
static char *sign(const uint8_t *key, size_t key_bytes, const char *id, int64_t now_s,
                  const GString *body)
{
    uint8_t digest[SIGNATURE_BYTES];
    gsize digest_bytes = sizeof digest;
    g_autofree char *before = g_strdup_printf("%s.%" G_GINT64_FORMAT ".", id, now_s);
    GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, key, key_bytes);
    g_hmac_update(hmac, (const guchar *)before, -1);
    g_hmac_update(hmac, (const guchar *)body->str, (gssize)body->len);
    g_hmac_get_digest(hmac, digest, &digest_bytes);
    g_hmac_unref(hmac);
    return g_base64_encode(digest, digest_bytes);
}

bool notification_webhook_letter_write(NotificationWebhookLetter *letter,
                                       const NotificationWebhook *webhook, int64_t now_us)
{
    size_t key_bytes = 0;
    *letter = (NotificationWebhookLetter){ 0 };
    g_autofree uint8_t *key = notification_secret_bytes(webhook->secret, &key_bytes);
    if (key == NULL || webhook->code == NOTIFICATION_CODES_N)
        return false;
    char id[CH_UUID_TEXT_BYTES];
    char traceparent[CH_TRACEPARENT_BYTES];
    int64_t now_s = now_us / G_USEC_PER_SEC;
    ch_uuid_format(webhook->event_id, id);
    letter->trace = ch_trace_child(webhook->trace);
    ch_trace_format(letter->trace, traceparent);
    letter->body = write_body(webhook);
    g_autofree char *signature = sign(key, key_bytes, id, now_s, letter->body);
    letter->headers[0] = g_strdup("Content-Type: application/json");
    letter->headers[1] = g_strconcat("webhook-id: ", id, NULL);
    letter->headers[2] = g_strdup_printf("webhook-timestamp: %" G_GINT64_FORMAT, now_s);
    letter->headers[3] = g_strconcat("webhook-signature: v1,", signature, NULL);
    letter->headers[4] = g_strconcat("traceparent: ", traceparent, NULL);
    return true;
}

void notification_webhook_letter_clear(NotificationWebhookLetter *letter)
{
    if (letter->body != NULL)
        g_string_free(letter->body, TRUE);
    for (size_t i = 0; i < NOTIFICATION_WEBHOOK_HEADERS; i++)
        g_free(letter->headers[i]);
}
