/* A channel to an HTTP gateway; for one lane. */
#pragma once

#include "notification/application/ports.h"
#include "notification/infrastructure/sending.h"

/** POSTs {"to", "subject", "body"} with an Idempotency-Key to @url. Borrows both; @name
 * labels its metrics. Errors: CONFIG. */
CH_MUST_CHECK NotificationChannel *
notification_http_channel_new(const char *name, const char *url,
                              NotificationCancellation cancellation, GError **error);
