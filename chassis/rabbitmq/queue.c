/* Names of the queues beside a queue. */
#include "chassis/rabbitmq/queue.h"

#include <glib.h>

const int ch_retry_delays_ms[CH_RETRIES] = { 1000, 5000 };

void ch_queue_retry_name(const char *queue, int attempt, char name[CH_QUEUE_NAME_BYTES])
{
    g_assert(attempt >= 1 && attempt <= CH_RETRIES);
    g_snprintf(name, CH_QUEUE_NAME_BYTES, "%s.retry.%d", queue, attempt);
}

void ch_queue_dead_letter_name(const char *queue, char name[CH_QUEUE_NAME_BYTES])
{
    g_snprintf(name, CH_QUEUE_NAME_BYTES, "%s.dlq", queue);
}

void ch_queue_unread_name(const char *queue, char name[CH_QUEUE_NAME_BYTES])
{
    g_snprintf(name, CH_QUEUE_NAME_BYTES, "%s.unread", queue);
}
