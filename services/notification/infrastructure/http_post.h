/* Posts webhooks over HTTPS; for one lane. */
#pragma once

#include "notification/application/webhooks.h"
#include "notification/infrastructure/sending.h"

enum {
    NOTIFICATION_POST_TIMEOUT_MS = 5 * 1000, /* of one webhook */
    NOTIFICATION_POST_BUDGET_MS =
        10 * 1000, /* of a batch: what is not begun by then is given back */
};

typedef struct {
    const char *name;      /* labels its metrics */
    const char *ca_file;   /* PEM; "": the CAs of the system */
    bool may_call_private; /* addresses that are not public, too */
    NotificationCancellation cancellation;
} NotificationHttpPostConfig;

/** https alone, certificates verified, no redirects. Borrows what @config points to. */
CH_MUST_CHECK NotificationPost *
notification_http_post_new(const NotificationHttpPostConfig *config);
