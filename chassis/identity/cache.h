/* Tokens that were verified, by their SHA-256, until they expire: a signature is checked once, not
 * once a request. Belongs to whoever holds its lock. */
#pragma once

#include "chassis/identity/caller.h"

#include <stddef.h>

typedef struct ChTokenCache ChTokenCache;

enum {
    CH_TOKEN_DIGEST_BYTES = 32,
    /* Of 40 bytes each; as many callers as may be about at once. The token that expires first makes
     * room. */
    CH_TOKEN_CACHE_TOKENS = 8192,
};

ChTokenCache *ch_token_cache_new(void);
void ch_token_cache_free(ChTokenCache *cache); /* NULL is fine */

/** What @token is known by. */
void ch_token_cache_digest(ChTokenCache *cache, const char *token, size_t bytes,
                           uint8_t digest[CH_TOKEN_DIGEST_BYTES]);

/** The caller whose token has @digest, if it is good at @now_s; borrowed. NULL: not known. */
ChCaller *ch_token_cache_find(ChTokenCache *cache, const uint8_t digest[CH_TOKEN_DIGEST_BYTES],
                              int64_t now_s);

/** Remembers @caller, whose reference it takes; a token that is there already is replaced. */
void ch_token_cache_add(ChTokenCache *cache, const uint8_t digest[CH_TOKEN_DIGEST_BYTES],
                        ChCaller *caller);

/** Forgets all: the issuer's keys have changed. */
void ch_token_cache_clear(ChTokenCache *cache);
