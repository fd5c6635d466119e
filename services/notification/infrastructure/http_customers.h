/* The customer service over HTTP (docs/contract.md, 2.5). */
#pragma once

#include "chassis/client/credentials.h"
#include "notification/application/ports.h"

/** What all lanes know together of the service: that it asked for a pause, or is away. */
typedef struct NotificationCustomersWatch NotificationCustomersWatch;

NotificationCustomersWatch *notification_customers_watch_new(void);
void notification_customers_watch_free(void *watch); /* a GDestroyNotify; NULL is fine */

typedef struct {
    const char *name;          /* labels its metrics */
    const char *url;           /* of the service; "": there is none, nothing is known of anybody */
    const char *ca_file;       /* of the CA that vouches for it; "": the system's */
    ChCredentialsConfig token; /* that it wants of us; its .token_url "": none */
    NotificationCustomersWatch *watch;
} NotificationHttpCustomersConfig;

enum {
    NOTIFICATION_CUSTOMERS_BUDGET_MS = 3500, /* for one look-up with all its retries */
    /* The same with a token, once more with another one, and getting both. */
    NOTIFICATION_CUSTOMERS_TOKEN_BUDGET_MS =
        2 * (NOTIFICATION_CUSTOMERS_BUDGET_MS + CH_CREDENTIALS_BUDGET_MS),
};

/** For one lane; borrows what @config points to. */
CH_MUST_CHECK NotificationCustomers *
notification_http_customers_new(const NotificationHttpCustomersConfig *config);
