/* An HTTP gateway. The delays between attempts are the notification's own, so no retries here. */
#include "notification/infrastructure/http_channel.h"

#include "chassis/client/client.h"
#include "chassis/core/cast.h"
#include "chassis/core/time.h"
#include "chassis/json/json_writer.h"

enum {
    MAX_ANSWER_BYTES = 64 * 1024,
    GRACE_MS = 5 * 1000, /* what is under way when we stop: a cut off call may have arrived */
    KEY_HEADER_BYTES = 17 + CH_UUID_TEXT_BYTES,     /* "Idempotency-Key: " */
    TRACE_HEADER_BYTES = 13 + CH_TRACEPARENT_BYTES, /* "traceparent: " */
};

typedef struct {
    NotificationChannel base;
    const char *url;
    ChHttpClient *client;
    NotificationCancellation cancellation;
    int64_t cut_us; /* when what is under way is cut off; 0: nobody asked for it */
} HttpChannel;

static const NotificationChannelOps http_channel_ops;

static HttpChannel *http_of(NotificationChannel *self)
{
    return CH_CAST(HttpChannel, self, &http_channel_ops);
}

typedef struct {
    GString *body;
    char key[KEY_HEADER_BYTES];
    char trace[TRACE_HEADER_BYTES];
    const char *headers[4];
} Letter;

static void write_letter(const NotificationMessage *message, Letter *letter)
{
    char id[CH_UUID_TEXT_BYTES];
    char traceparent[CH_TRACEPARENT_BYTES];
    ch_uuid_format(message->id, id);
    ch_trace_format(message->trace, traceparent);
    g_snprintf(letter->key, sizeof letter->key, "Idempotency-Key: %s", id);
    g_snprintf(letter->trace, sizeof letter->trace, "traceparent: %s", traceparent);
    letter->headers[0] = "Content-Type: application/json";
    letter->headers[1] = letter->key;
    letter->headers[2] = letter->trace;
    letter->body = g_string_new(NULL);
    ch_json_begin_object(letter->body, NULL);
    ch_json_add_text(letter->body, "to", message->to);
    ch_json_add_text(letter->body, "subject", message->subject);
    ch_json_add_text(letter->body, "body", message->body);
    ch_json_end_object(letter->body);
}

static NotificationVerdict verdict_of(const ChHttpCall *call)
{
    switch (call->outcome) {
    case CH_HTTP_OK:
        return NOTIFICATION_DELIVERED;
    case CH_HTTP_REFUSED:
        return NOTIFICATION_REFUSED;
    case CH_HTTP_UNAVAILABLE: /* without a try: the batch's time was over */
        return call->tries == 0 ? NOTIFICATION_GIVEN_BACK : NOTIFICATION_TRY_LATER;
    case CH_HTTP_BREAKER_OPEN:
    case CH_HTTP_PAUSED:
        return NOTIFICATION_GIVEN_BACK;
    }
    g_assert_not_reached();
}

/* ChHttpClientConfig.cancelled */
static bool is_over(void *context)
{
    HttpChannel *channel = context;
    if (channel->cut_us == 0 && channel->cancellation.cancelled(channel->cancellation.context))
        channel->cut_us = ch_time_monotonic_us() + INT64_C(1000) * GRACE_MS;
    return channel->cut_us != 0 && ch_time_monotonic_us() >= channel->cut_us;
}

static void deliver(NotificationChannel *self, const NotificationMessage *messages, size_t n,
                    NotificationReceipt *receipts)
{
    HttpChannel *channel = http_of(self);
    g_autofree Letter *letters = g_new0(Letter, n);
    g_autofree ChHttpCall *calls = g_new0(ChHttpCall, n);
    for (size_t i = 0; i < n; i++) {
        write_letter(&messages[i], &letters[i]);
        calls[i] = (ChHttpCall){ .method = "POST",
                                 .url = channel->url,
                                 .headers = letters[i].headers,
                                 .body = letters[i].body->str,
                                 .body_bytes = letters[i].body->len,
                                 .trace = messages[i].trace };
    }
    ch_http_client_fetch(channel->client, calls, n);
    for (size_t i = 0; i < n; i++) {
        receipts[i] = (NotificationReceipt){ verdict_of(&calls[i]), g_strdup(calls[i].fault),
                                             calls[i].retry_after_ms };
        ch_http_call_clear(&calls[i]);
        g_string_free(letters[i].body, TRUE);
    }
}

static void free_channel(NotificationChannel *self)
{
    ch_http_client_free(http_of(self)->client);
    g_free(self);
}

static const NotificationChannelOps http_channel_ops = {
    .send = deliver,
    .free = free_channel,
};

NotificationChannel *notification_http_channel_new(const char *name, const char *url,
                                                   ChPause *pause,
                                                   NotificationCancellation cancellation)
{
    HttpChannel *channel = g_new0(HttpChannel, 1);
    channel->base.ops = &http_channel_ops;
    channel->url = url;
    channel->cancellation = cancellation;
    const ChHttpClientConfig config = {
        .name = name,
        .timeout_ms = NOTIFICATION_SEND_TIMEOUT_MS,
        .total_budget_ms = NOTIFICATION_SEND_BUDGET_MS + NOTIFICATION_SEND_TIMEOUT_MS,
        .max_answer_bytes = MAX_ANSWER_BYTES,
        .cancelled = is_over,
        .context = channel,
        .pause = pause,
    };
    channel->client = ch_http_client_new(&config);
    return &channel->base;
}
