/* What becomes of fetched deliveries. */
#include "chassis/rabbitmq/settle.h"

#include "chassis/core/log.h"
#include "chassis/rabbitmq/consumer_state.h"

static bool can_settle(const ChConsumer *consumer, const ChDelivery *delivery)
{
    return consumer->connection != NULL && delivery->connection == consumer->connections;
}

void ch_consumer_ack(ChConsumer *consumer, ChDelivery *const *deliveries, size_t n)
{
    const ChDelivery *last = deliveries[n - 1];
    g_autoptr(GError) error = NULL;
    if (can_settle(consumer, last)) {
        for (size_t i = 0; i < n; i++)
            ch_caution_note_settled(&consumer->caution, deliveries[i]);
        int status = amqp_basic_ack(consumer->connection, CH_AMQP_CHANNEL, last->tag, 1);
        if (!ch_amqp_check_status(status, "acknowledge", &error))
            ch_consumer_drop(consumer, &error);
    }
    ch_consumer_release(consumer, deliveries, n);
}

/* Lost meanwhile, the connection gives it again, and it is the same letter then. */
void ch_consumer_give_up(ChConsumer *consumer, ChDelivery *delivery, const char *why)
{
    g_assert(!delivery->unreadable);
    g_autoptr(GError) error = NULL;
    bool ok = !can_settle(consumer, delivery) ||
              ch_letters_publish(consumer->letters, consumer->config.queue, delivery, why, &error);
    ch_consumer_keep_alive(consumer); /* it may have taken long */
    if (ok && can_settle(consumer, delivery))
        ok = ch_amqp_check_status(
            amqp_basic_ack(consumer->connection, CH_AMQP_CHANNEL, delivery->tag, 0), "acknowledge",
            &error);
    if (!ok) {
        ch_consumer_drop(consumer, &error);
        consumer->unsettled = g_steal_pointer(&error);
    }
    ch_consumer_release(consumer, &delivery, 1);
}

void ch_consumer_reject(ChConsumer *consumer, ChDelivery *delivery)
{
    g_autoptr(GError) error = NULL;
    if (can_settle(consumer, delivery) && delivery->unreadable) {
        ch_caution_note_end(&consumer->caution);
        if (!ch_unread_reject(g_steal_pointer(&consumer->connection), delivery->tag))
            ch_log_warning("an unreadable message may come again",
                           CH_STR("queue", consumer->config.queue_name));
    } else if (can_settle(consumer, delivery)) {
        int status = amqp_basic_reject(consumer->connection, CH_AMQP_CHANNEL, delivery->tag, 0);
        if (!ch_amqp_check_status(status, "reject", &error))
            ch_consumer_drop(consumer, &error);
    }
    ch_consumer_release(consumer, &delivery, 1);
}

bool ch_consumer_keeps_rejected(const ChConsumer *consumer)
{
    return consumer->keeps_rejected;
}

void ch_consumer_set_aside(ChConsumer *consumer, ChDelivery *delivery)
{
    /* A connection with a larger window would go on to be given messages, and nobody reads it: what
     * is held back comes again on a cautious one, and alone there. */
    if (can_settle(consumer, delivery) && ch_consumer_stands_alone(consumer)) {
        ch_caution_note_end(&consumer->caution);
        ch_unread_keep(&consumer->set_aside, g_steal_pointer(&consumer->connection));
    } else if (can_settle(consumer, delivery)) {
        g_clear_pointer(&consumer->connection, ch_amqp_drop);
    }
    ch_consumer_release(consumer, &delivery, 1);
}
