/* From a due notification and its customer to what is sent. */
#pragma once

#include "notification/application/ports.h"

/** Decides on channel and destination of @delivery and fills its template in. @customer is what is
 * known of its customer; when that is not enough, made-up data stand in for all of it.
 * False: it cannot be sent now, and .verdict, .retry_after_ms and .error say so. */
bool notification_compose(NotificationDelivery *delivery, const NotificationCustomer *customer);

/** Sets the verdict on an attempt that failed: TRY_LATER with a growing delay, or REFUSED after the
 * last. Takes @why. */
void notification_fail_attempt(NotificationDelivery *delivery, char *why);
