/* From a due notification and its customer to what is sent. */
#pragma once

#include "notification/application/customer.h"
#include "notification/application/delivery.h"

typedef enum {
    NOTIFICATION_COMPOSED,
    NOTIFICATION_NO_TEXT, /* no template, or one that cannot be filled in: that may be put right */
    NOTIFICATION_CUSTOMER_AWAY, /* there is no address, and nobody to ask for it */
    NOTIFICATION_NO_ADDRESS,    /* there is no address */
} NotificationComposition;

/** Decides on channel and destination of @delivery and fills its template in. @customer is what is
 * known of its customer. A made-up name stands in for a missing one, and with @may_make_up a
 * made-up e-mail address too. *why is new text unless it is COMPOSED. */
NotificationComposition notification_compose(NotificationDelivery *delivery,
                                             const NotificationCustomer *customer, bool may_make_up,
                                             char **why);
