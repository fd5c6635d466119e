/* A table of sets of four. */
#include "chassis/identity/cache.h"

#include <openssl/evp.h>
#include <string.h>

enum {
    WAYS = 4,
    SETS = CH_TOKEN_CACHE_TOKENS / WAYS,
};

typedef struct {
    uint8_t digest[CH_TOKEN_DIGEST_BYTES];
    ChCaller *caller; /* NULL: free */
} Entry;

struct ChTokenCache {
    Entry *entries;
    EVP_MD *sha256; /* fetched once: that takes as long as the digest */
    EVP_MD_CTX *context;
};

ChTokenCache *ch_token_cache_new(void)
{
    ChTokenCache *cache = g_new0(ChTokenCache, 1);
    cache->entries = g_new0(Entry, CH_TOKEN_CACHE_TOKENS);
    cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    cache->context = EVP_MD_CTX_new();
    g_assert(cache->sha256 != NULL && cache->context != NULL);
    return cache;
}

void ch_token_cache_clear(ChTokenCache *cache)
{
    for (size_t i = 0; i < CH_TOKEN_CACHE_TOKENS; i++)
        g_clear_pointer(&cache->entries[i].caller, ch_caller_unref);
}

void ch_token_cache_free(ChTokenCache *cache)
{
    if (cache == NULL)
        return;
    ch_token_cache_clear(cache);
    EVP_MD_CTX_free(cache->context);
    EVP_MD_free(cache->sha256);
    g_free(cache->entries);
    g_free(cache);
}

void ch_token_cache_digest(ChTokenCache *cache, const char *token, size_t bytes,
                           uint8_t digest[CH_TOKEN_DIGEST_BYTES])
{
    bool done = EVP_DigestInit_ex2(cache->context, cache->sha256, NULL) == 1 &&
                EVP_DigestUpdate(cache->context, token, bytes) == 1 &&
                EVP_DigestFinal_ex(cache->context, digest, NULL) == 1;
    g_assert(done);
}

/* Where a digest may be. Only good tokens get in, so that nobody chooses his place. */
static Entry *set_of(ChTokenCache *cache, const uint8_t *digest)
{
    uint32_t number;
    memcpy(&number, digest, sizeof number);
    return &cache->entries[number % SETS * WAYS];
}

ChCaller *ch_token_cache_find(ChTokenCache *cache, const uint8_t digest[CH_TOKEN_DIGEST_BYTES],
                              int64_t now_s)
{
    const Entry *set = set_of(cache, digest);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].caller != NULL && memcmp(set[i].digest, digest, CH_TOKEN_DIGEST_BYTES) == 0)
            return now_s < set[i].caller->until_s ? set[i].caller : NULL;
    }
    return NULL;
}

/* The same token's, a free one, or that which expires first. */
static Entry *place_for(Entry *set, const uint8_t *digest)
{
    Entry *place = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].caller == NULL || memcmp(set[i].digest, digest, CH_TOKEN_DIGEST_BYTES) == 0)
            return &set[i];
        if (set[i].caller->until_s < place->caller->until_s)
            place = &set[i];
    }
    return place;
}

void ch_token_cache_add(ChTokenCache *cache, const uint8_t digest[CH_TOKEN_DIGEST_BYTES],
                        ChCaller *caller)
{
    Entry *place = place_for(set_of(cache, digest), digest);
    ch_caller_unref(place->caller);
    memcpy(place->digest, digest, CH_TOKEN_DIGEST_BYTES);
    place->caller = caller;
}
