/* The lock is held for a look at the cache, not for a signature. */
#include "chassis/identity/identity.h"

#include "chassis/core/time.h"
#include "chassis/identity/cache.h"
#include "chassis/telemetry/metrics.h"

#include <pthread.h>

struct ChIdentity {
    ChTokenRules rules;
    void (*wanted)(void *context); /* NULL: nobody wants to know */
    void *context;
    pthread_mutex_t mutex; /* of the next three */
    ChKeySet *keys;        /* NULL: none yet */
    ChTokenCache *cache;
    unsigned generation; /* of the keys */
};

CH_COUNTER(tokens_total, "cartwheel_auth_tokens_total", "Tokens by what was found.", "outcome");

ChIdentity *ch_identity_new(const ChTokenRules *rules)
{
    ChIdentity *identity = g_new0(ChIdentity, 1);
    identity->rules = *rules;
    identity->cache = ch_token_cache_new();
    pthread_mutex_init(&identity->mutex, NULL);
    return identity;
}

void ch_identity_free(ChIdentity *identity)
{
    if (identity == NULL)
        return;
    ch_token_cache_free(identity->cache);
    ch_key_set_unref(identity->keys);
    pthread_mutex_destroy(&identity->mutex);
    g_free(identity);
}

void ch_identity_set_keys(ChIdentity *identity, ChKeySet *keys)
{
    pthread_mutex_lock(&identity->mutex);
    ChKeySet *old = identity->keys;
    identity->keys = keys;
    identity->generation++;
    ch_token_cache_clear(identity->cache);
    pthread_mutex_unlock(&identity->mutex);
    ch_key_set_unref(old);
}

void ch_identity_when_key_unknown(ChIdentity *identity, void (*wanted)(void *context),
                                  void *context)
{
    identity->wanted = wanted;
    identity->context = context;
}

/* What is known of a token, with the lock held for it. */
typedef struct {
    uint8_t digest[CH_TOKEN_DIGEST_BYTES];
    ChCaller *caller; /* a reference; NULL: the token is new */
    ChKeySet *keys;   /* a reference, when it is new; NULL: there are none */
    unsigned generation;
} Look;

static Look look_up(ChIdentity *identity, const char *token, size_t bytes, int64_t now_s)
{
    Look look = { .caller = NULL };
    pthread_mutex_lock(&identity->mutex);
    ch_token_cache_digest(identity->cache, token, bytes, look.digest);
    ChCaller *known = ch_token_cache_find(identity->cache, look.digest, now_s);
    if (known != NULL)
        look.caller = ch_caller_ref(known);
    else if (identity->keys != NULL)
        look.keys = ch_key_set_ref(identity->keys);
    look.generation = identity->generation;
    pthread_mutex_unlock(&identity->mutex);
    return look;
}

/* Unless the keys that it was checked with are gone. */
static void remember(ChIdentity *identity, const Look *look, ChCaller *caller)
{
    pthread_mutex_lock(&identity->mutex);
    if (look->generation == identity->generation)
        ch_token_cache_add(identity->cache, look->digest, ch_caller_ref(caller));
    pthread_mutex_unlock(&identity->mutex);
}

static ChIdentityAnswer check(ChIdentity *identity, const Look *look, const char *token,
                              size_t bytes, int64_t now_s, ChCaller **caller, const char **why)
{
    switch (ch_token_check(&identity->rules, look->keys, token, bytes, now_s, caller, why)) {
    case CH_TOKEN_GOOD:
        ch_metric_add(ch_metric(&tokens_total, "verified"), 1);
        remember(identity, look, *caller);
        return CH_IDENTITY_KNOWN;
    case CH_TOKEN_UNKNOWN_KEY:
        if (identity->wanted != NULL)
            identity->wanted(identity->context);
        break;
    case CH_TOKEN_BAD:
        break;
    }
    ch_metric_add(ch_metric(&tokens_total, "refused"), 1);
    return CH_IDENTITY_REFUSED;
}

ChIdentityAnswer ch_identity_ask(ChIdentity *identity, const char *token, size_t bytes,
                                 bool looks_at_new, ChCaller **caller, const char **why)
{
    *why = "this is no token in the form header.claims.signature";
    if (bytes > CH_TOKEN_MAX_BYTES) /* not even a digest is made of it */
        return CH_IDENTITY_REFUSED;
    int64_t now_s = ch_time_now_us() / G_USEC_PER_SEC;
    Look look = look_up(identity, token, bytes, now_s);
    if (look.caller != NULL) {
        ch_metric_add(ch_metric(&tokens_total, "cached"), 1);
        *caller = look.caller;
        return CH_IDENTITY_KNOWN;
    }
    if (look.keys == NULL)
        return CH_IDENTITY_NO_KEYS;
    ChIdentityAnswer answer = CH_IDENTITY_NEW;
    if (looks_at_new)
        answer = check(identity, &look, token, bytes, now_s, caller, why);
    ch_key_set_unref(look.keys);
    return answer;
}
