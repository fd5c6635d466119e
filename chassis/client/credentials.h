/* Our own access tokens, for servers that we call: the client credentials grant of OAuth 2.0 (RFC
 * 6749, section 4.4). A token is kept in memory, and renewed before it ends. One thread owns it. */
#pragma once

#include "chassis/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ChCredentials ChCredentials;

/** All but what it says of itself borrowed. */
typedef struct {
    const char *name;      /* of the token endpoint, labels the metrics; a constant */
    const char *token_url; /* of the token endpoint, https:// */
    const char *client_id;
    const char *client_secret;
    const char *scope;   /* asked for; "": whatever the endpoint gives */
    const char *ca_file; /* of the CA that vouches for it; "": the system's */
} ChCredentialsConfig;

enum {
    CH_CREDENTIALS_BUDGET_MS = 2500, /* what getting a token takes at most */
};

CH_MUST_CHECK ChCredentials *ch_credentials_new(const ChCredentialsConfig *config);
void ch_credentials_free(ChCredentials *credentials); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChCredentials, ch_credentials_free)

/** The line "Authorization: Bearer <token>", good until the next call here. A token that is about
 * to end is renewed first, and goes on to serve until it has ended when that fails. NULL: there is
 * none, and *why (free with g_free(), holds no secret) tells. */
const char *ch_credentials_header(ChCredentials *credentials, char **why);

/** The server did not take the token: the next call gets another one. */
void ch_credentials_forget(ChCredentials *credentials);

/** Reads the answer of a token endpoint (section 5.1): a token of the type Bearer, and for how many
 * seconds it is good, 5 minutes when that is not said. False: it is none. *token is free()d by
 * g_free(). */
bool ch_credentials_read(const char *text, size_t bytes, char **token, int64_t *seconds);
