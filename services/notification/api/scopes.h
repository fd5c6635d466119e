/* What callers of the notification API may be allowed. */
#pragma once

#include "chassis/identity/scopes.h"

enum {
    NOTIFICATION_SCOPE_TEMPLATES_READ = 1,
    NOTIFICATION_SCOPE_TEMPLATES_WRITE,
    NOTIFICATION_SCOPE_LOG_READ,
    NOTIFICATION_SCOPE_SUBSCRIPTIONS_READ,
    NOTIFICATION_SCOPE_SUBSCRIPTIONS_WRITE,
    NOTIFICATION_SCOPE_UNLIMITED,     /* not held to the limits of customers */
    NOTIFICATION_SCOPE_PERSONAL_DATA, /* see addresses and texts in the log */
    NOTIFICATION_SCOPE_PRIVACY,       /* erase what is held of a customer */
    NOTIFICATION_SCOPE_AUDIT,
    NOTIFICATION_SCOPE_DEAD_LETTERS, /* groups of failures */
    NOTIFICATION_SCOPE_CONTROLS,     /* pause and resume */
    NOTIFICATION_SCOPE_SUPPORT,
    NOTIFICATION_SCOPE_EDIT_LETTERS, /* change dead letters, and bring some in */
};

extern const ChScopes notification_scopes;
