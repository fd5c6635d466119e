/* Retries and dead letters as outbox messages. */
#include "chassis/messaging/failure.h"

#include "chassis/core/log.h"
#include "chassis/messaging/message_span.h"
#include "chassis/messaging/outbox.h"
#include "chassis/telemetry/metrics.h"

enum {
    MAX_REASON_CHARS = 500
};

CH_COUNTER(retries_total, "cartwheel_messages_retried_total", "messages sent to a retry queue",
           "queue");
CH_COUNTER(dead_letters_total, "cartwheel_messages_dead_lettered_total",
           "messages given up as dead letters; someone must act", "queue");

void ch_failure_register(const ChQueue *queue)
{
    ch_metric_add(ch_metric(&retries_total, queue->name), 0);
    ch_metric_add(ch_metric(&dead_letters_total, queue->name), 0);
}

/* The body is untouched; of the foreign headers only those that we know go on. */
static ChOutboxMessage message_from(const ChDelivery *delivery, const ChQueue *queue,
                                    const char *reason)
{
    return (ChOutboxMessage){
        .message_id = delivery->message_id,
        .type = delivery->type,
        .body = delivery->body,
        .body_bytes = delivery->body_bytes,
        .traceparent = delivery->traceparent,
        .failed_queue = queue->name,
        .error = reason,
        .mandatory = true,
    };
}

bool ch_failure_retry(ChPg *pg, const ChQueue *queue, const ChDelivery *delivery, const char *why,
                      GError **error)
{
    g_autofree char *reason =
        g_utf8_substring(why, 0, MIN(g_utf8_strlen(why, -1), MAX_REASON_CHARS));
    int attempt = delivery->retry_count + 1;
    char retry_queue[CH_QUEUE_NAME_BYTES];
    ch_queue_retry_name(queue->name, attempt, retry_queue);
    ChOutboxMessage message = message_from(delivery, queue, reason);
    message.exchange = "";
    message.routing_key = retry_queue;
    message.retry_count = attempt;
    ch_log_warning("message failed and will be retried", CH_STR("queue", queue->name),
                   CH_STR("message_id", delivery->message_id), CH_INT("attempt", attempt),
                   CH_INT("delay_ms", ch_retry_delays_ms[attempt - 1]), CH_STR("error", reason),
                   CH_TRACE(ch_message_trace(delivery)));
    ch_metric_add(ch_metric(&retries_total, queue->name), 1);
    return ch_outbox_add(pg, &message, 1, error);
}

bool ch_failure_dead_letter(ChPg *pg, const ChQueue *queue, const ChDelivery *delivery,
                            const char *why, GError **error)
{
    g_autofree char *reason =
        g_utf8_substring(why, 0, MIN(g_utf8_strlen(why, -1), MAX_REASON_CHARS));
    ChOutboxMessage message = message_from(delivery, queue, reason);
    message.exchange = queue->dead_letter_exchange;
    message.routing_key = queue->name;
    message.retry_count = delivery->retry_count + 1;
    ch_log_error("message given up as a dead letter", CH_STR("queue", queue->name),
                 CH_STR("message_id", delivery->message_id),
                 CH_INT("attempts", message.retry_count), CH_STR("error", reason),
                 CH_TRACE(ch_message_trace(delivery)));
    ch_metric_add(ch_metric(&dead_letters_total, queue->name), 1);
    return ch_outbox_add(pg, &message, 1, error);
}
