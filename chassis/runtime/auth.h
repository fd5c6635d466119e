/* Authentication of an API: its settings, and the parts that they ask for. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/core/lane_group.h"
#include "chassis/identity/identity.h"
#include "chassis/runtime/issuer_settings.h"
#include "chassis/runtime/process.h"
#include "chassis/telemetry/health.h"

typedef enum {
    CH_AUTH_ON,
    CH_AUTH_OFF,
    CH_AUTH_OFF_FOR_ALL_NETWORKS, /* the same, said twice: not only this machine reaches the API */
} ChAuthMode;

typedef struct {
    int mode; /* ChAuthMode */
    ChIssuerSettings issuer;
    char *customer_claim;
} ChAuthSettings;

/* clang-format off */
#define CH_AUTH_KEYS(type, field)                                                                  \
    CH_CONFIG_KEY("AUTH", CH_CONFIG_CHOICE, type, field.mode, "on",                                \
                  "whether requests need a token", "on|off|off-for-all-networks"),                 \
    CH_ISSUER_KEYS(type, field.issuer),                                                            \
    CH_CONFIG_KEY("AUTH_CUSTOMER_CLAIM", CH_CONFIG_TEXT, type, field.customer_claim, "sub",        \
                  "the claim that holds the customer's id", NULL)
/* clang-format on */

/** Whether the settings go together, and with where clients come (@listen). Errors: CONFIG. */
CH_MUST_CHECK bool ch_auth_check(const ChAuthSettings *settings, const ChListen *listen,
                                 GError **error);

typedef struct ChAuth ChAuth;

/** What @settings and @scopes, both borrowed, ask for; its lane is added to @threads. Errors:
 * CONFIG. */
CH_MUST_CHECK ChAuth *ch_auth_new(const ChAuthSettings *settings, const ChScopes *scopes,
                                  ChHealth *health, ChLaneGroup *threads, GError **error);

/** After its lane has ended. NULL is fine. */
void ch_auth_free(ChAuth *auth);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChAuth, ch_auth_free)

/** NULL: authentication is off. */
ChIdentity *ch_auth_identity(const ChAuth *auth);

/** What says, once in a while, that authentication is off; NULL: it is on. */
ChReminder ch_auth_reminder(const ChAuth *auth);
