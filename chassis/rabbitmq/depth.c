/* Gauges of the queues that a worker consumes. */
#include "chassis/rabbitmq/depth.h"

#include "chassis/core/time.h"
#include "chassis/rabbitmq/queue.h"

enum {
    LOOK_EVERY_US = 5 * 1000 * 1000, /* three round trips; autoscalers look every 15 s */
};

CH_GAUGE(ready_gauge, "cartwheel_queue_messages_ready", "messages that wait in the queue", "queue");
CH_GAUGE(retrying_gauge, "cartwheel_queue_messages_retrying",
         "messages that wait in the retry queues of the queue", "queue");
CH_GAUGE(unacknowledged_gauge, "cartwheel_queue_messages_unacknowledged",
         "messages that this process has taken and not settled yet", "queue");

void ch_depth_init(ChDepth *depth, const char *queue)
{
    *depth = (ChDepth){ .queue = queue };
    if (queue == NULL)
        return;
    depth->ready = ch_metric(&ready_gauge, queue);
    depth->retrying = ch_metric(&retrying_gauge, queue);
    depth->unacknowledged = ch_metric(&unacknowledged_gauge, queue);
}

void ch_depth_show_held(const ChDepth *depth)
{
    if (depth->queue != NULL)
        ch_metric_set(depth->unacknowledged, (double)depth->held);
}

bool ch_depth_count(amqp_connection_state_t connection, const char *queue, int64_t *ready,
                    amqp_rpc_reply_t *reply, GError **error)
{
    const amqp_queue_declare_ok_t *there =
        amqp_queue_declare(connection, CH_AMQP_CHANNEL, amqp_cstring_bytes(queue), 1, 0, 0, 0,
                           amqp_empty_table); /* passive: it asks */
    *reply = amqp_get_rpc_reply(connection);
    if (!ch_amqp_check(*reply, "count messages", error))
        return false;
    *ready = there->message_count;
    return true;
}

static bool count_retrying(const ChDepth *depth, amqp_connection_state_t connection, int64_t *n,
                           amqp_rpc_reply_t *reply, GError **error)
{
    char name[CH_QUEUE_NAME_BYTES];
    int64_t ready = 0;
    *n = 0;
    for (int attempt = 1; attempt <= CH_RETRIES; attempt++) {
        ch_queue_retry_name(depth->queue, attempt, name);
        if (!ch_depth_count(connection, name, &ready, reply, error))
            return false;
        *n += ready;
    }
    return true;
}

bool ch_depth_look(ChDepth *depth, amqp_connection_state_t connection, amqp_rpc_reply_t *reply,
                   GError **error)
{
    *reply = (amqp_rpc_reply_t){ .reply_type = AMQP_RESPONSE_NORMAL };
    int64_t now_us = ch_time_monotonic_us();
    if (depth->queue == NULL || now_us < depth->look_us)
        return true;
    depth->look_us =
        now_us + LOOK_EVERY_US; /* an answer that never comes is not asked for at once */
    int64_t ready = 0;
    int64_t retrying = 0;
    if (!ch_depth_count(connection, depth->queue, &ready, reply, error) ||
        !count_retrying(depth, connection, &retrying, reply, error))
        return false;
    ch_metric_set(depth->ready, (double)ready);
    ch_metric_set(depth->retrying, (double)retrying);
    return true;
}
