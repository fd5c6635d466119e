/* The rules for tokens: RFC 8725 case by case, then the claims. */
#include "chassis/identity/token.h"

#include "signer.h"

#include <string.h>

#define NOW_S 1900000000
#define ES256 "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}"
#define RS256 "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa\"}"
#define CLAIMS(iss, aud, exp, more)                                                                \
    "{\"iss\":\"" iss "\",\"aud\":" aud ",\"exp\":" exp ",\"sub\":\"anna\"" more "}"
#define GOOD CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", "")

static const char *const names[] = { NULL, "things:read", "things:write" };
static const ChRole roles[] = {
    { "reader", CH_SCOPE(1) },
    { "writer", CH_SCOPE(1) | CH_SCOPE(2) },
};
static const ChScopes scopes = {
    .names = names, .names_n = G_N_ELEMENTS(names), .roles = roles, .roles_n = G_N_ELEMENTS(roles)
};
static const ChTokenRules rules = {
    .issuer = "https://issuer",
    .audience = "cartwheel",
    .type = "at+jwt",
    .owner_claim = "sub",
    .scopes = &scopes,
};

typedef struct {
    Signer *ec;
    Signer *ec384;
    Signer *ec521;
    Signer *rsa;
    char *rsa_jwk;
    ChKeySet *keys;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->ec = signer_new_ec("P-256");
    f->ec384 = signer_new_ec("P-384");
    f->ec521 = signer_new_ec("P-521");
    f->rsa = signer_new_rsa(2048);
    f->rsa_jwk = signer_jwk(f->rsa, "rsa", "");
    g_autofree char *ec = signer_jwk(f->ec, "ec", ",\"use\":\"sig\",\"alg\":\"ES256\"");
    g_autofree char *ec384 = signer_jwk(f->ec384, "ec384", "");
    g_autofree char *ec521 = signer_jwk(f->ec521, "ec521", "");
    g_autofree char *json =
        g_strdup_printf("{\"keys\":[%s,%s,%s,%s]}", ec, f->rsa_jwk, ec384, ec521);
    g_autoptr(GError) error = NULL;
    f->keys = ch_key_set_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    g_assert_cmpuint(ch_key_set_count(f->keys), ==, 4);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_key_set_unref(f->keys);
    g_free(f->rsa_jwk);
    signer_free(f->ec);
    signer_free(f->ec384);
    signer_free(f->ec521);
    signer_free(f->rsa);
}

static ChTokenVerdict verdict_at(const Fixture *f, const char *token, int64_t now_s,
                                 ChCaller **caller, const char **why)
{
    return ch_token_check(&rules, f->keys, token, strlen(token), now_s, caller, why);
}

static ChCaller *must_pass(const Fixture *f, char *token)
{
    ChCaller *caller = NULL;
    const char *why = NULL;
    ChTokenVerdict verdict = verdict_at(f, token, NOW_S, &caller, &why);
    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpint(verdict, ==, CH_TOKEN_GOOD);
    g_free(token);
    return caller;
}

/* Takes @token. */
static void must_fail(const Fixture *f, char *token, const char *expected)
{
    ChCaller *caller = NULL;
    const char *why = NULL;
    ChTokenVerdict verdict = verdict_at(f, token, NOW_S, &caller, &why);
    g_assert_cmpstr(why, ==, expected);
    g_assert_cmpint(verdict, !=, CH_TOKEN_GOOD);
    g_assert_null(caller);
    g_free(token);
}

/* ---- what is good ---- */

static void test_algorithms(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const struct {
        const Signer *signer;
        const char *kid;
        const char *algorithm;
    } rows[] = {
        { f->rsa, "rsa", "RS256" }, { f->rsa, "rsa", "RS384" },     { f->rsa, "rsa", "RS512" },
        { f->rsa, "rsa", "PS256" }, { f->rsa, "rsa", "PS384" },     { f->rsa, "rsa", "PS512" },
        { f->ec, "ec", "ES256" },   { f->ec384, "ec384", "ES384" }, { f->ec521, "ec521", "ES512" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *header = g_strdup_printf(
            "{\"typ\":\"at+jwt\",\"alg\":\"%s\",\"kid\":\"%s\"}", rows[i].algorithm, rows[i].kid);
        g_autoptr(ChCaller) caller =
            must_pass(f, signer_sign(rows[i].signer, rows[i].algorithm, header, GOOD));
        g_assert_cmpstr(caller->subject, ==, "anna");
        g_assert_cmpstr(caller->owner, ==, "anna");
        g_assert_cmpint(caller->until_s, ==, 1900000600 + CH_TOKEN_SKEW_S);
        g_assert_cmpuint(caller->scopes, ==, 0);
    }
}

static void test_type_is_a_media_type(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const headers[] = {
        "{\"typ\":\"application/at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
        "{\"typ\":\"AT+JWT\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
        "{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}", /* one key alone fits */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        ch_caller_unref(must_pass(f, signer_sign(f->ec, "ES256", headers[i], GOOD)));
}

static void test_scopes_and_roles(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *claims;
        uint64_t scopes;
    } rows[] = {
        { ",\"scope\":\"things:read\"", CH_SCOPE(1) },
        { ",\"scope\":\"openid  things:write things:read \"", CH_SCOPE(1) | CH_SCOPE(2) },
        { ",\"scope\":\"things:rea things:reader THINGS:READ\"", 0 },
        { ",\"scope\":[\"things:read\"]", 0 },
        { ",\"roles\":[\"reader\"]", CH_SCOPE(1) },
        { ",\"roles\":[\"nobody\",7,null,\"writer\"]", CH_SCOPE(1) | CH_SCOPE(2) },
        { ",\"roles\":\"writer\"", 0 },
        { ",\"roles\":[\"reader\"],\"scope\":\"things:write\"", CH_SCOPE(1) | CH_SCOPE(2) },
        { ",\"Scope\":\"things:read\",\"ROLES\":[\"writer\"]", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *claims =
            g_strdup_printf("{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"exp\":1900000600,"
                            "\"sub\":\"anna\"%s}",
                            rows[i].claims);
        g_autoptr(ChCaller) caller = must_pass(f, signer_sign(f->ec, "ES256", ES256, claims));
        g_assert_cmpuint(caller->scopes, ==, rows[i].scopes);
    }
}

/* What the record of a change says of a token. */
static void test_id_and_roles(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *claims;
        const char *id; /* NULL: a digest */
        const char *roles;
    } rows[] = {
        { ",\"jti\":\"7-a\",\"roles\":[\"nobody\",\"reader\",\"writer\"]", "7-a", "reader writer" },
        { ",\"jti\":\"\",\"roles\":[\"nobody\"]", NULL, NULL },
        { ",\"jti\":7", NULL, NULL },
        { "", NULL, NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *claims =
            g_strdup_printf("{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"exp\":1900000600,"
                            "\"sub\":\"anna\"%s}",
                            rows[i].claims);
        char *token = signer_sign(f->ec, "ES256", ES256, claims);
        g_autofree char *sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, token, -1);
        g_autofree char *digest = g_strdup_printf("sha256:%.32s", sha256);
        g_autoptr(ChCaller) caller = must_pass(f, token);
        g_assert_cmpstr(caller->token_id, ==, rows[i].id != NULL ? rows[i].id : digest);
        g_assert_cmpstr(caller->roles, ==, rows[i].roles);
    }
}

/* ---- signatures and headers ---- */

static void test_refused_headers(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *header;
        const char *why;
    } rows[] = {
        { "{\"typ\":\"at+jwt\",\"alg\":\"none\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"None\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"es256\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"alg\":7,\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"Alg\":\"ES256\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"at+jwt\",\"kid\":\"ec\"}", "the algorithm is not allowed" },
        { "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec\"}", "the token is of another type" },
        { "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
          "the token is of another type" },
        { "{\"alg\":\"ES256\",\"kid\":\"ec\"}", "the token is of another type" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"ec\"}",
          "the algorithm is not that of the key" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES384\",\"kid\":\"ec\"}",
          "the algorithm is not that of the key" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"rsa\"}",
          "the algorithm is not that of the key" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"EC\"}", "the key is unknown" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"../../dev/null\"}",
          "the key is unknown" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"\"}", "the key is unknown" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":1}", "the id of the key is malformed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":[\"ec\"]}",
          "the id of the key is malformed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"KID\":\"ec\"}",
          "the id of the key is malformed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\",\"alg\":\"ES256\"}",
          "the header is malformed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\",\"ALG\":\"none\"}",
          "the header is malformed" },
        { "[\"at+jwt\"]", "the header is malformed" },
        { "", "the header is malformed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"", "the header is malformed" },
        { "\xef\xbb\xbf{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
          "the header is malformed" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"\xff\"}", "the header is malformed" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        must_fail(f, signer_sign(f->ec, "ES256", rows[i].header, GOOD), rows[i].why);
}

static void test_members_that_name_keys(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const members[] = {
        "\"crit\":[\"exp\"]",
        "\"crit\":[]",
        "\"jku\":\"https://evil/jwks\"",
        "\"jwk\":{\"kty\":\"oct\"}",
        "\"x5u\":\"https://evil/x\"",
        "\"x5c\":[]",
        "\"b64\":false",
        "\"b64\":true",
        "\"zip\":\"DEF\"",
        "\"enc\":\"A128GCM\"",
        "\"JKU\":\"x\"",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autofree char *header =
            g_strdup_printf("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\",%s}", members[i]);
        must_fail(f, signer_sign(f->ec, "ES256", header, GOOD),
                  "the header holds a member that is not allowed");
    }
}

/* A public key is no secret: whoever signs by HMAC with it must not get in. */
static void test_key_confusion(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_fail(
        f, signer_hmac(f->rsa_jwk, "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"rsa\"}", GOOD),
        "the algorithm is not allowed");
    must_fail(f, signer_hmac(f->rsa_jwk, RS256, GOOD), "the signature does not hold");
    must_fail(f, signer_hmac("", ES256, GOOD), "the signature does not hold");
}

static void test_another_key(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(Signer) stranger = signer_new_ec("P-256");
    must_fail(f, signer_sign(stranger, "ES256", ES256, GOOD), "the signature does not hold");
    must_fail(f, signer_sign(f->rsa, "PS256", RS256, GOOD), "the signature does not hold");
}

/* @from, cut before or changed at its part @part. */
static char *with_part(const char *token, size_t part, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(token, ".", -1);
    g_free(parts[part]);
    parts[part] = g_strdup(text);
    return g_strjoinv(".", parts);
}

static void test_signature_must_be_there(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char form[] = "this is no token in the form header.claims.signature";
    static const char broken[] = "the signature does not hold";
    g_autofree char *good = signer_sign(f->ec, "ES256", ES256, GOOD);
    g_autofree char *stripped = g_strndup(good, (gsize)(strrchr(good, '.') - good));
    g_autofree char *zeros = g_strnfill(86, 'A');
    must_fail(f, g_strdup(stripped), form);
    must_fail(f, with_part(good, 2, ""), form);
    must_fail(f, g_strconcat(good, ".", NULL), form);
    must_fail(f, g_strconcat(good, ".AAAA", NULL), form);
    must_fail(f, with_part(good, 2, zeros), broken); /* r and s are 0: CVE-2022-21449 */
    must_fail(f, with_part(good, 2, "AAAA"), broken);
    must_fail(f, g_strconcat(good, "=", NULL), broken);
    must_fail(f, g_strconcat(good, " ", NULL), broken);
    must_fail(f, g_strconcat(" ", good, NULL), "the header is malformed");
    must_fail(f, g_strdup(""), form);
    must_fail(f, g_strdup(".."), form);
}

static void test_nothing_may_change(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *good = signer_sign(f->ec, "ES256", ES256, GOOD);
    g_autofree char *other =
        signer_encode(CLAIMS("https://issuer", "\"cartwheel\"", "1900000601", ""), strlen(GOOD));
    must_fail(f, with_part(good, 1, other), "the signature does not hold");
    size_t bytes = strlen(good);
    for (size_t i = 0; i < bytes; i += 7) {
        char *changed = g_strdup(good);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ChCaller *caller = NULL;
        const char *why = NULL;
        ChTokenVerdict verdict = verdict_at(f, changed, NOW_S, &caller, &why);
        g_assert_true(verdict != CH_TOKEN_GOOD || strcmp(changed, good) == 0);
        ch_caller_unref(caller);
        g_free(changed);
    }
}

static void test_sizes(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *fill = g_strnfill(CH_TOKEN_MAX_BYTES, 'a');
    g_autofree char *claims = g_strdup_printf(
        CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"more\":\"%s\""), fill);
    g_autofree char *header = g_strdup_printf(
        "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\",\"more\":\"%.1000s\"}", fill);
    g_autofree char *deep = g_strnfill(200, '[');
    g_autofree char *deep_claims = g_strdup_printf("{\"a\":%s", deep);
    must_fail(f, signer_sign(f->ec, "ES256", ES256, claims),
              "this is no token in the form header.claims.signature");
    must_fail(f, signer_sign(f->ec, "ES256", header, GOOD), "the header is malformed");
    must_fail(f, signer_sign(f->ec, "ES256", ES256, deep_claims), "the claims are malformed");
}

/* ---- claims ---- */

static void test_refused_claims(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *claims;
        const char *why;
    } rows[] = {
        { CLAIMS("https://issuer/", "\"cartwheel\"", "1900000600", ""),
          "the token is of another issuer" },
        { CLAIMS("HTTPS://issuer", "\"cartwheel\"", "1900000600", ""),
          "the token is of another issuer" },
        { "{\"aud\":\"cartwheel\",\"exp\":1900000600,\"sub\":\"anna\"}",
          "the token is of another issuer" },
        { CLAIMS("https://issuer", "\"other\"", "1900000600", ""),
          "the token is for another audience" },
        { CLAIMS("https://issuer", "\"cartwheel2\"", "1900000600", ""),
          "the token is for another audience" },
        { CLAIMS("https://issuer", "[\"other\",7]", "1900000600", ""),
          "the token is for another audience" },
        { CLAIMS("https://issuer", "{\"cartwheel\":1}", "1900000600", ""),
          "the token is for another audience" },
        { "{\"iss\":\"https://issuer\",\"exp\":1900000600,\"sub\":\"anna\"}",
          "the token is for another audience" },
        { "{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"sub\":\"anna\"}",
          "the token does not say when it expires" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "\"1900000600\"", ""),
          "the token does not say when it expires" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "-1", ""),
          "the token does not say when it expires" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1e300", ""),
          "the token does not say when it expires" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1", ""), "the token has expired" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"nbf\":1900000031"),
          "the token is not valid yet" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"nbf\":\"soon\""),
          "the token is not valid yet" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"iat\":1900000031"),
          "the token was issued in the future" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"sub\":\"eva\""),
          "the claims are malformed" },
        { CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"Exp\":1"),
          "the claims are malformed" },
        { "{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"exp\":1900000600}",
          "the token does not say whose it is" },
        { "{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"exp\":1900000600,\"sub\":\"\"}",
          "the token does not say whose it is" },
        { "{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"exp\":1900000600,\"sub\":\"a\\nb\"}",
          "the token does not say whose it is" },
        { "{\"iss\":\"https://issuer\",\"aud\":\"cartwheel\",\"exp\":1900000600,\"sub\":7}",
          "the token does not say whose it is" },
        { "7", "the claims are malformed" },
        { "", "the claims are malformed" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        must_fail(f, signer_sign(f->ec, "ES256", ES256, rows[i].claims), rows[i].why);
}

static void test_lists_of_audiences(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_caller_unref(must_pass(
        f, signer_sign(f->ec, "ES256", ES256,
                       CLAIMS("https://issuer", "[\"other\",\"cartwheel\"]", "1900000600", ""))));
}

/* To the second, with the skew that is allowed. */
static void test_times_to_the_second(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *token = signer_sign(f->ec, "ES256", ES256,
                                         CLAIMS("https://issuer", "\"cartwheel\"", "1900000600.75",
                                                ",\"nbf\":1900000000,\"iat\":1900000000"));
    const struct {
        int64_t now_s;
        ChTokenVerdict verdict;
    } rows[] = {
        { 1900000600 + CH_TOKEN_SKEW_S - 1, CH_TOKEN_GOOD },
        { 1900000600 + CH_TOKEN_SKEW_S, CH_TOKEN_BAD },
        { 1900000000 - CH_TOKEN_SKEW_S, CH_TOKEN_GOOD },
        { 1900000000 - CH_TOKEN_SKEW_S - 1, CH_TOKEN_BAD },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ChCaller) caller = NULL;
        const char *why = NULL;
        g_assert_cmpint(verdict_at(f, token, rows[i].now_s, &caller, &why), ==, rows[i].verdict);
    }
}

static void test_owner_claim(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChTokenRules other = rules;
    other.owner_claim = "customer";
    const char *why = NULL;
    g_autoptr(ChCaller) named = NULL;
    g_autofree char *with = signer_sign(
        f->ec, "ES256", ES256,
        CLAIMS("https://issuer", "\"cartwheel\"", "1900000600", ",\"customer\":\"c7\""));
    g_assert_cmpint(ch_token_check(&other, f->keys, with, strlen(with), NOW_S, &named, &why), ==,
                    CH_TOKEN_GOOD);
    g_assert_cmpstr(named->owner, ==, "c7");
    g_autoptr(ChCaller) unnamed = NULL;
    g_autofree char *without = signer_sign(f->ec, "ES256", ES256, GOOD);
    g_assert_cmpint(
        ch_token_check(&other, f->keys, without, strlen(without), NOW_S, &unnamed, &why), ==,
        CH_TOKEN_GOOD);
    g_assert_cmpstr(unnamed->owner, ==, "");
}

static void add(const char *name, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/token/good/algorithms", test_algorithms);
    add("/token/good/type-is-a-media-type", test_type_is_a_media_type);
    add("/token/good/scopes-and-roles", test_scopes_and_roles);
    add("/token/good/id-and-roles", test_id_and_roles);
    add("/token/header/refused", test_refused_headers);
    add("/token/header/members-that-name-keys", test_members_that_name_keys);
    add("/token/signature/key-confusion", test_key_confusion);
    add("/token/signature/another-key", test_another_key);
    add("/token/signature/must-be-there", test_signature_must_be_there);
    add("/token/signature/nothing-may-change", test_nothing_may_change);
    add("/token/limits/sizes", test_sizes);
    add("/token/claims/refused", test_refused_claims);
    add("/token/claims/lists-of-audiences", test_lists_of_audiences);
    add("/token/claims/times-to-the-second", test_times_to_the_second);
    add("/token/claims/owner", test_owner_claim);
    return g_test_run();
}
