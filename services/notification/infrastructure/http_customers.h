/* The customer service over HTTP (docs/contract.md, 2.5). */
#pragma once

#include "notification/application/ports.h"

typedef struct {
    const char *name; /* labels its metrics */
    const char *url;  /* of the service; "": there is none, nothing is known of anybody */
} NotificationHttpCustomersConfig;

enum {
    NOTIFICATION_CUSTOMERS_BUDGET_MS = 3500, /* for one look-up with all its retries */
};

/** For one lane; borrows the texts of @config. Errors: CONFIG. */
CH_MUST_CHECK NotificationCustomers *
notification_http_customers_new(const NotificationHttpCustomersConfig *config, GError **error);
