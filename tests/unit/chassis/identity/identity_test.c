/* Who is known: the cache, and keys that change. */
#include "chassis/identity/identity.h"

#include "chassis/core/time.h"
#include "chassis/identity/cache.h"
#include "signer.h"

#include <string.h>

static const char *const names[] = { NULL, "things:read" };
static const ChScopes scopes = { .names = names, .names_n = G_N_ELEMENTS(names) };
static const ChTokenRules rules = {
    .issuer = "i", .audience = "a", .type = "at+jwt", .owner_claim = "sub", .scopes = &scopes
};

static char *token_of(const Signer *signer, const char *kid, const char *subject)
{
    g_autofree char *header =
        g_strdup_printf("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    g_autofree char *claims =
        g_strdup_printf("{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"%s\",\"exp\":%" G_GINT64_FORMAT "}",
                        subject, ch_time_now_us() / G_USEC_PER_SEC + 3600);
    return signer_sign(signer, "ES256", header, claims);
}

static void use_keys(ChIdentity *identity, const Signer *signer, const char *kid)
{
    g_autofree char *jwk = signer_jwk(signer, kid, "");
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s]}", jwk);
    g_autoptr(GError) error = NULL;
    ChKeySet *keys = ch_key_set_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    ch_identity_set_keys(identity, keys);
}

static ChIdentityAnswer ask(ChIdentity *identity, const char *token, const char *subject)
{
    g_autoptr(ChCaller) caller = NULL;
    const char *why = NULL;
    ChIdentityAnswer answer = ch_identity_ask(identity, token, strlen(token), true, &caller, &why);
    if (answer == CH_IDENTITY_KNOWN)
        g_assert_cmpstr(caller->subject, ==, subject);
    else
        g_assert_null(caller);
    return answer;
}

static void test_nobody_without_keys(void)
{
    g_autoptr(Signer) signer = signer_new_ec("P-256");
    g_autoptr(ChIdentity) identity = ch_identity_new(&rules);
    g_autofree char *token = token_of(signer, "1", "anna");
    g_assert_cmpint(ask(identity, token, NULL), ==, CH_IDENTITY_NO_KEYS);
    use_keys(identity, signer, "1");
    g_assert_cmpint(ask(identity, token, "anna"), ==, CH_IDENTITY_KNOWN);
}

static void count(void *context)
{
    (*(int *)context)++;
}

/* A key that is withdrawn takes its tokens with it, also those that are known. */
static void test_keys_change(void)
{
    g_autoptr(Signer) first = signer_new_ec("P-256");
    g_autoptr(Signer) second = signer_new_ec("P-256");
    g_autoptr(ChIdentity) identity = ch_identity_new(&rules);
    g_autofree char *old = token_of(first, "1", "anna");
    g_autofree char *new = token_of(second, "2", "berta");
    int wanted = 0;
    ch_identity_when_key_unknown(identity, count, &wanted);
    use_keys(identity, first, "1");
    g_assert_cmpint(ask(identity, old, "anna"), ==, CH_IDENTITY_KNOWN);
    g_assert_cmpint(ask(identity, old, "anna"), ==, CH_IDENTITY_KNOWN);
    g_assert_cmpint(wanted, ==, 0);
    g_assert_cmpint(ask(identity, new, NULL), ==, CH_IDENTITY_REFUSED);
    g_assert_cmpint(wanted, ==, 1);
    use_keys(identity, second, "2");
    g_assert_cmpint(ask(identity, new, "berta"), ==, CH_IDENTITY_KNOWN);
    g_assert_cmpint(ask(identity, old, NULL), ==, CH_IDENTITY_REFUSED);
    g_assert_cmpint(wanted, ==, 2);
}

static void test_what_is_too_long_is_not_looked_at(void)
{
    g_autoptr(ChIdentity) identity = ch_identity_new(&rules);
    g_autofree char *token = g_strnfill(CH_TOKEN_MAX_BYTES + 1, 'a');
    g_assert_cmpint(ask(identity, token, NULL), ==, CH_IDENTITY_REFUSED);
}

/* ---- the cache ---- */

static void digest_of(ChTokenCache *cache, unsigned number, uint8_t *digest)
{
    char text[16];
    g_snprintf(text, sizeof text, "%u", number);
    ch_token_cache_digest(cache, text, strlen(text), digest);
}

static void test_cache_digest_is_sha256(void)
{
    ChTokenCache *cache = ch_token_cache_new();
    uint8_t digest[CH_TOKEN_DIGEST_BYTES];
    uint8_t expected[CH_TOKEN_DIGEST_BYTES];
    gsize n = sizeof expected;
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)"7", 1);
    g_checksum_get_digest(checksum, expected, &n);
    g_checksum_free(checksum);
    digest_of(cache, 7, digest);
    g_assert_cmpint(memcmp(digest, expected, sizeof digest), ==, 0);
    ch_token_cache_free(cache);
}

static void test_cache_forgets_what_expired(void)
{
    ChTokenCache *cache = ch_token_cache_new();
    uint8_t digest[CH_TOKEN_DIGEST_BYTES];
    digest_of(cache, 1, digest);
    ch_token_cache_add(cache, digest, ch_caller_new("anna", "", 0, 100));
    g_assert_cmpstr(ch_token_cache_find(cache, digest, 99)->subject, ==, "anna");
    g_assert_null(ch_token_cache_find(cache, digest, 100));
    ch_token_cache_add(cache, digest, ch_caller_new("anna", "", 0, 200));
    g_assert_nonnull(ch_token_cache_find(cache, digest, 199));
    ch_token_cache_clear(cache);
    g_assert_null(ch_token_cache_find(cache, digest, 99));
    ch_token_cache_free(cache);
}

/* However many tokens there are; none is ever taken for another one. */
static void test_cache_is_bounded(void)
{
    ChTokenCache *cache = ch_token_cache_new();
    uint8_t digest[CH_TOKEN_DIGEST_BYTES];
    unsigned known = 0;
    for (unsigned i = 0; i < CH_TOKEN_CACHE_TOKENS * 2; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);
        digest_of(cache, i, digest);
        ch_token_cache_add(cache, digest, ch_caller_new(name, "", 0, 1000 + i));
    }
    for (unsigned i = 0; i < CH_TOKEN_CACHE_TOKENS * 2; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);
        digest_of(cache, i, digest);
        const ChCaller *caller = ch_token_cache_find(cache, digest, 999);
        known += caller != NULL;
        if (caller != NULL)
            g_assert_cmpstr(caller->subject, ==, name);
    }
    g_assert_cmpuint(known, >, CH_TOKEN_CACHE_TOKENS * 9 / 10);
    g_assert_cmpuint(known, <=, CH_TOKEN_CACHE_TOKENS);
    ch_token_cache_free(cache);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/nobody-without-keys", test_nobody_without_keys);
    g_test_add_func("/identity/keys-change", test_keys_change);
    g_test_add_func("/identity/too-long-is-not-looked-at", test_what_is_too_long_is_not_looked_at);
    g_test_add_func("/identity/cache/digest-is-sha256", test_cache_digest_is_sha256);
    g_test_add_func("/identity/cache/forgets-what-expired", test_cache_forgets_what_expired);
    g_test_add_func("/identity/cache/is-bounded", test_cache_is_bounded);
    return g_test_run();
}
