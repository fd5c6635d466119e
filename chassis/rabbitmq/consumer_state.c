/* What consumer.c and settle.c share. */
#include "chassis/rabbitmq/consumer_state.h"

void ch_consumer_report(ChConsumer *consumer, bool ok, const char *detail)
{
    if (consumer->config.health != NULL)
        ch_health_set(consumer->config.health, ok, detail);
}

bool ch_consumer_drop(ChConsumer *consumer, GError **error)
{
    if (error != NULL && *error != NULL)
        (*error)->code = CH_ERROR_UNAVAILABLE;
    ch_consumer_report(consumer, false,
                       error != NULL && *error != NULL ? (*error)->message : "lost");
    g_clear_pointer(&consumer->connection, ch_amqp_drop);
    return false;
}

bool ch_consumer_stands_alone(const ChConsumer *consumer)
{
    return ch_caution_window(&consumer->caution, consumer->config.prefetch) == 1;
}
