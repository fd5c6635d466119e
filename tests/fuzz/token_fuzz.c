/* Access tokens. Input: a byte that says what of a token comes from the fuzzer, then that. Whatever
 * it is: no token is good but those that our issuer signed, and of those none that breaks a rule.
 * jansson is the second opinion on what a token says. */
#include "fuzz.h"

#include "chassis/identity/token.h"
#include "../unit/chassis/identity/signer.h"

#include <jansson.h>
#include <string.h>

#define NOW_S 1900000000
#define HEADER "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k\"}"
#define CLAIMS "{\"iss\":\"i\",\"aud\":\"a\",\"exp\":1900000600,\"sub\":\"s\",\"scope\":\"read\"}"

static const char *const names[] = { NULL, "read", "write" };
static const ChRole roles[] = { { "writer", CH_SCOPE(1) | CH_SCOPE(2) } };
static const ChScopes scopes = {
    .names = names, .names_n = G_N_ELEMENTS(names), .roles = roles, .roles_n = G_N_ELEMENTS(roles)
};
static const ChTokenRules rules = {
    .issuer = "i", .audience = "a", .type = "at+jwt", .owner_claim = "sub", .scopes = &scopes
};
static Signer *signer;
static ChKeySet *keys;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    signer = signer_new_ec("P-256");
    g_autofree char *jwk = signer_jwk(signer, "k", "");
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s]}", jwk);
    keys = ch_key_set_parse(json, strlen(json), NULL);
    g_assert_nonnull(keys);
    return 0;
}

/* The caller whose token it is; NULL: refused, for a reason. */
static ChCaller *check(const char *token, size_t n)
{
    ChCaller *caller = NULL;
    const char *why = NULL;
    ChTokenVerdict verdict = ch_token_check(&rules, keys, token, n, NOW_S, &caller, &why);
    g_assert_true((verdict == CH_TOKEN_GOOD) == (caller != NULL));
    g_assert_true((verdict == CH_TOKEN_GOOD) == (why == NULL));
    return caller;
}

/* Nobody but the issuer signs. */
static void check_unsigned(const char *token, size_t n)
{
    g_assert_null(check(token, n));
}

/* What jansson reads of a text that ours has read: all of it, but for a number out of its range,
 * of which ours asks the value only where a claim needs one. NULL: there is such a number. */
static json_t *said_by(const char *text)
{
    json_error_t error;
    json_t *said = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    g_assert_true(said != NULL || json_error_code(&error) == json_error_numeric_overflow);
    return said;
}

static void check_header(const char *header)
{
    g_autofree char *token = signer_sign(signer, "ES256", header, CLAIMS);
    g_autoptr(ChCaller) caller = check(token, strlen(token));
    if (caller == NULL)
        return;
    json_t *said = said_by(header);
    if (said == NULL)
        return;
    g_assert_cmpstr(json_string_value(json_object_get(said, "alg")), ==, "ES256");
    g_assert_null(json_object_get(said, "crit"));
    g_assert_null(json_object_get(said, "jwk"));
    g_assert_null(json_object_get(said, "b64"));
    json_decref(said);
}

static void check_claims(const char *claims)
{
    g_autofree char *token = signer_sign(signer, "ES256", HEADER, claims);
    g_autoptr(ChCaller) caller = check(token, strlen(token));
    if (caller == NULL)
        return;
    json_t *said = said_by(claims);
    if (said == NULL)
        return;
    g_assert_cmpstr(json_string_value(json_object_get(said, "iss")), ==, "i");
    g_assert_cmpstr(json_string_value(json_object_get(said, "sub")), ==, caller->subject);
    g_assert_cmpfloat(json_number_value(json_object_get(said, "exp")), >, NOW_S - CH_TOKEN_SKEW_S);
    g_assert_cmpuint(caller->scopes & ~(CH_SCOPE(1) | CH_SCOPE(2)), ==, 0);
    if (json_object_get(said, "scope") == NULL && json_object_get(said, "roles") == NULL)
        g_assert_cmpuint(caller->scopes, ==, 0);
    json_decref(said);
}

/* A good token is good as it is alone: of bytes that change in it or are cut off, none may be
 * overlooked. */
static void check_changed(FuzzInput *input)
{
    g_autofree char *good = signer_sign(signer, "ES256", HEADER, CLAIMS);
    g_autofree char *token = g_strdup(good);
    size_t n = strlen(good);
    for (int left = 8; input->left > 2 && left > 0; left--) {
        size_t at = (size_t)fuzz_byte(input) << 8;
        at |= fuzz_byte(input);
        token[at % n] = (char)fuzz_byte(input);
    }
    size_t kept = n - fuzz_byte(input) % 8;
    g_autoptr(ChCaller) caller = check(token, kept);
    g_assert_true((caller != NULL) == (kept == n && memcmp(token, good, n) == 0));
}

/* A key set is used or it is not; no key of it makes somebody else's token good. */
static void check_keys(const char *text, size_t n)
{
    g_autofree char *token = signer_sign(signer, "ES256", HEADER, CLAIMS);
    g_autoptr(GError) error = NULL;
    g_autoptr(ChKeySet) set = ch_key_set_parse(text, n, &error);
    if (set == NULL) {
        g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
        return;
    }
    g_assert_cmpuint(ch_key_set_count(set), <=, CH_KEY_SET_MAX_KEYS);
    ChCaller *caller = NULL;
    const char *why = NULL;
    g_assert_cmpint(ch_token_check(&rules, set, token, strlen(token), NOW_S, &caller, &why), !=,
                    CH_TOKEN_GOOD);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    uint8_t what = fuzz_byte(&input) % 8;
    size_t left;
    if (what > 3) {
        check_changed(&input);
        return 0;
    }
    g_autofree char *rest = (char *)fuzz_rest(&input, &left);
    g_autofree char *text = g_strndup(rest, left);
    switch (what) {
    case 0:
        check_unsigned(rest, left);
        break;
    case 1:
        check_header(text);
        break;
    case 2:
        check_claims(text);
        break;
    default:
        check_keys(rest, left);
    }
    return 0;
}
