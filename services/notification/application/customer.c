/* A customer's texts. */
#include "notification/application/customer.h"

#include <glib.h>

void notification_customer_clear(NotificationCustomer *customer)
{
    g_clear_pointer(&customer->name, g_free);
    g_clear_pointer(&customer->email, g_free);
    g_clear_pointer(&customer->phone, g_free);
    g_clear_pointer(&customer->language, g_free);
    g_clear_pointer(&customer->why, g_free);
}
