/* The end of a delivery. */
#include "notification/application/delivery.h"

void notification_delivery_free(void *opaque)
{
    NotificationDelivery *delivery = opaque;
    if (delivery == NULL)
        return;
    notification_values_clear(&delivery->values);
    if (delivery->templates != NULL)
        g_ptr_array_unref(delivery->templates);
    g_free(delivery->destination);
    g_free(delivery->subject);
    g_free(delivery->body);
    g_free(delivery->error);
    g_free(delivery);
}
