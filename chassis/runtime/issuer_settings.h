/* Who issues access tokens: the settings of APIs and workers alike, and what is made of them. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/core/lane_group.h"
#include "chassis/identity/key_source.h"

typedef struct {
    char *issuer; /* "": nobody */
    char *jwks_file, *ca_file, *audience, *token_type;
} ChIssuerSettings;

/* clang-format off */
#define CH_ISSUER_KEYS(type, field)                                                                \
    CH_CONFIG_KEY("AUTH_ISSUER", CH_CONFIG_TEXT, type, field.issuer, "",                           \
                  "who issues tokens, as they name it; its keys are found there, over HTTPS", NULL), \
    CH_CONFIG_KEY("AUTH_JWKS_FILE", CH_CONFIG_TEXT, type, field.jwks_file, "",                     \
                  "file with the issuer's keys; read again when it changes", NULL),                \
    CH_CONFIG_KEY("AUTH_CA_FILE", CH_CONFIG_TEXT, type, field.ca_file, "",                         \
                  "PEM file of the CA that vouches for the issuer; empty: the CAs of the system", NULL), \
    CH_CONFIG_KEY("AUTH_AUDIENCE", CH_CONFIG_TEXT, type, field.audience, "cartwheel",              \
                  "for whom tokens must be", NULL),                                                \
    CH_CONFIG_KEY("AUTH_TOKEN_TYPE", CH_CONFIG_TEXT, type, field.token_type, "at+jwt",             \
                  "of which type tokens must be", NULL)
/* clang-format on */

/** Whether the settings go together. Errors: CONFIG. */
CH_MUST_CHECK bool ch_issuer_check(const ChIssuerSettings *settings, GError **error);

/** Somebody who knows the issuer's tokens, without keys yet; @owner_claim holds whose they are.
 * All borrowed; free with ch_identity_free(). */
ChIdentity *ch_issuer_identity(const ChIssuerSettings *settings, const char *owner_claim,
                               const ChScopes *scopes);

/** Where @identity's keys come from; the lane that gets them is added to @threads. @health as
 * ChKeySourceConfig has it. All borrowed; NULL and @error when a file is of no use: CONFIG. */
CH_MUST_CHECK ChKeySource *ch_issuer_open(const ChIssuerSettings *settings, ChIdentity *identity,
                                          ChHealthPart *health, ChLaneGroup *threads,
                                          GError **error);
