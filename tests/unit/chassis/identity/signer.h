/* An issuer for tests: keys, and tokens of whatever header and claims, good ones and bad. The
 * signatures are OpenSSL's own, so that they are a second opinion on cjose. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct Signer Signer;

Signer *signer_new_rsa(unsigned bits);
Signer *signer_new_ec(const char *curve); /* "P-256", "P-384", "P-521" */
void signer_free(Signer *signer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Signer, signer_free)

/** Its public half as a JWK: {"kty":...,"kid":kid,more}. @more: further members with a comma in
 * front, or "". Free with g_free(). */
char *signer_jwk(const Signer *signer, const char *kid, const char *more);

/** The token of @header and @claims as they are, signed as @algorithm ("RS256", "PS384", "ES256",
 * ...) says. Free with g_free(). */
char *signer_sign(const Signer *signer, const char *algorithm, const char *header,
                  const char *claims);

/** header.claims.signature, with the signature an HMAC-SHA256 under @key. Free with g_free(). */
char *signer_hmac(const char *key, const char *header, const char *claims);

/** base64url of @bytes. Free with g_free(). */
char *signer_encode(const void *bytes, size_t n);
