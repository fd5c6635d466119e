/* Who brings a token: the issuer's keys as they are now, the rules, and the tokens that are known.
 * Any thread. */
#pragma once

#include "chassis/identity/token.h"

typedef struct ChIdentity ChIdentity;

/** Without keys as yet; what @rules points to stays borrowed. */
ChIdentity *ch_identity_new(const ChTokenRules *rules);
void ch_identity_free(ChIdentity *identity); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChIdentity, ch_identity_free)

/** From now on these are the keys; takes the reference. Tokens that are known are checked anew. */
void ch_identity_set_keys(ChIdentity *identity, ChKeySet *keys);

/** Calls @wanted when a token names a key that is unknown, on the thread that was asked. Before
 * anybody asks. */
void ch_identity_when_key_unknown(ChIdentity *identity, void (*wanted)(void *context),
                                  void *context);

typedef enum {
    CH_IDENTITY_KNOWN,
    CH_IDENTITY_REFUSED,
    CH_IDENTITY_NEW,     /* not known, and it was not looked at */
    CH_IDENTITY_NO_KEYS, /* not one was got yet: nobody can be known */
} ChIdentityAnswer;

/** Whose @token is. *caller, a reference, is set when that is known; *why, a constant, when it is
 * refused. A token that is known takes about a microsecond, another one 20 to 70 unless
 * @looks_at_new is false. */
ChIdentityAnswer ch_identity_ask(ChIdentity *identity, const char *token, size_t bytes,
                                 bool looks_at_new, ChCaller **caller, const char **why);
