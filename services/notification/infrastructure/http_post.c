/* Each webhook goes to a receiver of its own, whom nobody knows: nothing of one may cost another.
 */
#include "notification/infrastructure/http_post.h"

#include "chassis/client/client.h"
#include "chassis/core/cast.h"
#include "chassis/core/time.h"
#include "notification/infrastructure/webhook_letter.h"

enum {
    MAX_ANSWER_BYTES = 16 * 1024, /* of no interest, but some say what is wrong */
    MAX_CONCURRENT = 64,
};

typedef struct {
    NotificationPost base;
    ChHttpClient *client;
} HttpPost;

static const NotificationPostOps http_post_ops;

/* Those that can be posted; places[i] is whose webhook calls[i] is. */
static size_t prepare(const NotificationWebhook *const *webhooks, size_t n,
                      NotificationWebhookLetter *letters, ChHttpCall *calls, size_t *places,
                      NotificationWebhookReceipt *receipts)
{
    size_t calls_n = 0;
    int64_t now_us = ch_time_now_us();
    for (size_t i = 0; i < n; i++) {
        if (!notification_webhook_letter_write(&letters[i], webhooks[i], now_us)) {
            receipts[i] =
                (NotificationWebhookReceipt){ .was_tried = true,
                                              .why = g_strdup("it cannot be written or signed") };
            continue;
        }
        places[calls_n] = i;
        calls[calls_n++] = (ChHttpCall){ .method = "POST",
                                         .url = webhooks[i]->url,
                                         .headers = (const char *const *)letters[i].headers,
                                         .body = letters[i].body->str,
                                         .body_bytes = letters[i].body->len,
                                         .trace = letters[i].trace };
    }
    return calls_n;
}

static void deliver(NotificationPost *self, const NotificationWebhook *const *webhooks, size_t n,
                    NotificationWebhookReceipt *receipts)
{
    HttpPost *post = CH_CAST(HttpPost, self, &http_post_ops);
    g_autofree NotificationWebhookLetter *letters = g_new0(NotificationWebhookLetter, n);
    g_autofree ChHttpCall *calls = g_new0(ChHttpCall, n);
    g_autofree size_t *places = g_new0(size_t, n);
    size_t calls_n = prepare(webhooks, n, letters, calls, places, receipts);
    ch_http_client_fetch(post->client, calls, calls_n);
    for (size_t i = 0; i < calls_n; i++) {
        receipts[places[i]] = (NotificationWebhookReceipt){
            .was_tried = calls[i].tries > 0 || calls[i].outcome == CH_HTTP_REFUSED,
            .was_taken = calls[i].outcome == CH_HTTP_OK,
            .http_status = calls[i].status,
            .why = g_strdup(calls[i].fault),
            .retry_after_ms = calls[i].retry_after_ms,
            .took_ms = calls[i].took_ms,
        };
        ch_http_call_clear(&calls[i]);
    }
    for (size_t i = 0; i < n; i++)
        notification_webhook_letter_clear(&letters[i]);
}

static void free_post(NotificationPost *self)
{
    HttpPost *post = CH_CAST(HttpPost, self, &http_post_ops);
    ch_http_client_free(post->client);
    g_free(post);
}

static const NotificationPostOps http_post_ops = {
    .send = deliver,
    .free = free_post,
};

NotificationPost *notification_http_post_new(const NotificationHttpPostConfig *config)
{
    const ChHttpClientConfig client = {
        .name = config->name,
        .timeout_ms = NOTIFICATION_POST_TIMEOUT_MS,
        .total_budget_ms = NOTIFICATION_POST_BUDGET_MS,
        .max_answer_bytes = MAX_ANSWER_BYTES,
        .max_concurrent = MAX_CONCURRENT,
        .protocols = "https",
        .ca_file = config->ca_file,
        .many_servers = true,
        .public_only = !config->may_call_private,
        .cancelled = config->cancellation.cancelled,
        .context = config->cancellation.context,
    };
    HttpPost *post = g_new0(HttpPost, 1);
    post->base.ops = &http_post_ops;
    post->client = ch_http_client_new(&client);
    return &post->base;
}
