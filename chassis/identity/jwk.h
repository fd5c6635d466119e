/* One public key of a JWKS (RFC 7517), and the signatures it made. The only file that knows cjose.
 */
#pragma once

#include "chassis/identity/algorithms.h"
#include "chassis/json/json.h"

typedef struct ChJwk ChJwk;

/** From an object of a key set. NULL: it is of no use to us, and *why (a constant) says why: of
 * another kind or for another purpose, too short, malformed, or with its private half. */
ChJwk *ch_jwk_new(ChJsonValue object, const char **why);
void ch_jwk_free(ChJwk *key); /* NULL is fine */

/** Its "kid"; "" when it has none. */
const char *ch_jwk_id(const ChJwk *key);

/** Whether it makes signatures of @algorithm. */
bool ch_jwk_fits(const ChJwk *key, const ChAlgorithm *algorithm);

/** Whether its signatures have @bytes. The library cuts one that is too long of an elliptic curve,
 * so that a token would have several spellings; those of RSA are compared as a whole. */
bool ch_jwk_has_signatures_of(const ChJwk *key, size_t bytes);

/** Whether the key, which fits the token's algorithm, made the signature of @token, in the compact
 * form of a JWS. Any thread, several at once. */
bool ch_jwk_verify(const ChJwk *key, const char *token, size_t bytes);
