/* The issuer's keys from the issuer itself: discovery (OpenID Connect Discovery 1.0, section 4) and
 * its JWKS, over HTTPS alone. */
#pragma once

#include "chassis/identity/identity.h"

typedef struct ChIssuer ChIssuer;

/** All borrowed. */
typedef struct {
    const char *url;     /* "https://login.example/realms/shop": what tokens name as "iss", too */
    const char *ca_file; /* of the CA that vouches for it; "": those of the system */
    ChIdentity *identity;
} ChIssuerConfig;

/** Errors: CONFIG, when the URL or the file cannot be used. */
CH_MUST_CHECK ChIssuer *ch_issuer_new(const ChIssuerConfig *config, GError **error);
void ch_issuer_free(ChIssuer *issuer); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChIssuer, ch_issuer_free)

/** Gets the keys and gives them to the identity. False: the issuer is away or says what is of no
 * use; the keys stay as they are, and *why (free with g_free()) tells. One thread at a time; takes
 * up to CH_ISSUER_MAX_MS. */
bool ch_issuer_fetch(ChIssuer *issuer, char **why);

enum {
    CH_ISSUER_MAX_MS = 10000,
};
