/* A channel to an HTTP gateway; for one lane. */
#pragma once

#include "chassis/client/pause.h"
#include "notification/application/ports.h"
#include "notification/infrastructure/sending.h"

/** POSTs {"to", "subject", "body"} with an Idempotency-Key to @url. Borrows all; @name labels its
 * metrics, @pause is shared by all that post there. */
CH_MUST_CHECK NotificationChannel *
notification_http_channel_new(const char *name, const char *url, ChPause *pause,
                              NotificationCancellation cancellation);
