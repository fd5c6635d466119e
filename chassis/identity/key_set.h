/* A JWKS (RFC 7517, section 5): the public keys of an issuer. Read-only and shared. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/identity/jwk.h"

typedef struct ChKeySet ChKeySet;

enum {
    CH_KEY_SET_MAX_BYTES = 256 * 1024,
    CH_KEY_SET_MAX_KEYS = 64, /* further ones are not used */
};

/** With one reference. Keys that are of no use to us are left out, which is logged once.
 * Errors: FAILED when @text is no JWKS or holds no key that is of use. */
CH_MUST_CHECK ChKeySet *ch_key_set_parse(const char *text, size_t bytes, GError **error);
ChKeySet *ch_key_set_ref(ChKeySet *set);
void ch_key_set_unref(ChKeySet *set); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChKeySet, ch_key_set_unref)

size_t ch_key_set_count(const ChKeySet *set);

typedef enum {
    CH_KEY_FOUND,
    CH_KEY_UNKNOWN,   /* the issuer may have a new one */
    CH_KEY_UNFIT,     /* it is not for the algorithm */
    CH_KEY_AMBIGUOUS, /* no id was given, and several fit */
} ChKeyMatch;

/** The key for a token of @algorithm that names @id (NULL: none). */
ChKeyMatch ch_key_set_find(const ChKeySet *set, const ChAlgorithm *algorithm, const char *id,
                           const ChJwk **key);
