/* Freeing a delivery. */
#include "chassis/rabbitmq/delivery.h"

#include <glib.h>

void ch_delivery_free(ChDelivery *delivery)
{
    if (delivery == NULL)
        return;
    g_free(delivery->body);
    g_free(delivery->message_id);
    g_free(delivery->type);
    g_free(delivery->content_encoding);
    g_free(delivery->routing_key);
    g_free(delivery->traceparent);
    g_free(delivery->failed_queue);
    g_free(delivery->error);
    g_free(delivery->dead_letter_id);
    g_free(delivery->death_reason);
    g_free(delivery);
}
