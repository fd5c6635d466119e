/* The customer service over HTTP (docs/contract.md, 2.5). */
#pragma once

#include "notification/application/ports.h"

/** What all lanes know together of the service: that it asked for a pause, or is away. */
typedef struct NotificationCustomersWatch NotificationCustomersWatch;

NotificationCustomersWatch *notification_customers_watch_new(void);
void notification_customers_watch_free(void *watch); /* a GDestroyNotify; NULL is fine */

typedef struct {
    const char *name; /* labels its metrics */
    const char *url;  /* of the service; "": there is none, nothing is known of anybody */
    NotificationCustomersWatch *watch;
} NotificationHttpCustomersConfig;

enum {
    NOTIFICATION_CUSTOMERS_BUDGET_MS = 3500, /* for one look-up with all its retries */
};

/** For one lane; borrows what @config points to. Errors: CONFIG. */
CH_MUST_CHECK NotificationCustomers *
notification_http_customers_new(const NotificationHttpCustomersConfig *config, GError **error);
