/* Roles and their scopes: the part of the notification service in docs/security.md. */
#include "notification/api/scopes.h"

#include <glib.h>

static const char *const names[] = {
    [NOTIFICATION_SCOPE_TEMPLATES_READ] = "templates:read",
    [NOTIFICATION_SCOPE_TEMPLATES_WRITE] = "templates:write",
    [NOTIFICATION_SCOPE_LOG_READ] = "notifications:read",
    [NOTIFICATION_SCOPE_SUBSCRIPTIONS_READ] = "subscriptions:read",
    [NOTIFICATION_SCOPE_SUBSCRIPTIONS_WRITE] = "subscriptions:write",
    [NOTIFICATION_SCOPE_UNLIMITED] = "limits:none",
    [NOTIFICATION_SCOPE_PERSONAL_DATA] = "personal-data",
    [NOTIFICATION_SCOPE_PRIVACY] = "privacy",
    [NOTIFICATION_SCOPE_AUDIT] = "audit",
    [NOTIFICATION_SCOPE_DEAD_LETTERS] = "dead-letters",
    [NOTIFICATION_SCOPE_CONTROLS] = "controls",
    [NOTIFICATION_SCOPE_SUPPORT] = "support",
    [NOTIFICATION_SCOPE_EDIT_LETTERS] = "dead-letters:edit",
};

#define READ_TEMPLATES CH_SCOPE(NOTIFICATION_SCOPE_TEMPLATES_READ)
#define WRITE_TEMPLATES (READ_TEMPLATES | CH_SCOPE(NOTIFICATION_SCOPE_TEMPLATES_WRITE))
#define READ_LOG CH_SCOPE(NOTIFICATION_SCOPE_LOG_READ)
#define SEE_CUSTOMERS (READ_LOG | CH_SCOPE(NOTIFICATION_SCOPE_PERSONAL_DATA))
#define SUPPORT (SEE_CUSTOMERS | CH_SCOPE(NOTIFICATION_SCOPE_SUPPORT))
#define UNLIMITED CH_SCOPE(NOTIFICATION_SCOPE_UNLIMITED)
#define SUBSCRIPTIONS                                                                              \
    (CH_SCOPE(NOTIFICATION_SCOPE_SUBSCRIPTIONS_READ) |                                             \
     CH_SCOPE(NOTIFICATION_SCOPE_SUBSCRIPTIONS_WRITE))

static const ChRole roles[] = {
    { "support", READ_TEMPLATES | SUPPORT },
    { "operator", READ_LOG | CH_SCOPE(NOTIFICATION_SCOPE_DEAD_LETTERS) |
                      CH_SCOPE(NOTIFICATION_SCOPE_CONTROLS) },
    { "shop", UNLIMITED },
    { "merchandiser", WRITE_TEMPLATES | UNLIMITED },
    { "auditor", CH_SCOPE(NOTIFICATION_SCOPE_AUDIT) },
    { "admin",
      WRITE_TEMPLATES | SUPPORT | SUBSCRIPTIONS | UNLIMITED | CH_SCOPE(NOTIFICATION_SCOPE_PRIVACY) |
          CH_SCOPE(NOTIFICATION_SCOPE_AUDIT) | CH_SCOPE(NOTIFICATION_SCOPE_DEAD_LETTERS) |
          CH_SCOPE(NOTIFICATION_SCOPE_CONTROLS) | CH_SCOPE(NOTIFICATION_SCOPE_EDIT_LETTERS) },
};

const ChScopes notification_scopes = {
    .names = names,
    .names_n = G_N_ELEMENTS(names),
    .roles = roles,
    .roles_n = G_N_ELEMENTS(roles),
    .unlimited = NOTIFICATION_SCOPE_UNLIMITED,
};
