/* From a due notification and its customer to what is sent. */
#pragma once

#include "notification/application/customer.h"
#include "notification/application/delivery.h"

/** Decides on channel and destination of @delivery and fills its template in. @customer is what is
 * known of its customer; when that is not enough, made-up data stand in for all of it.
 * NULL: it can be sent. Else new text: why it cannot be sent now. */
char *notification_compose(NotificationDelivery *delivery, const NotificationCustomer *customer);
