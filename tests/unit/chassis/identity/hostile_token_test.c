/* Tokens that somebody made to get in, as RFC 8725 and the collections of attacks on JWT describe
 * them. All but those about signatures are signed by the issuer's own key: what is refused here is
 * refused by the rules. */
#include "chassis/identity/token.h"

#include "signer.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <string.h>

#define NOW_S 1900000000
#define HEADER "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}"
#define CLAIMS(iss, aud, exp, sub)                                                                 \
    "{\"iss\":" iss ",\"aud\":" aud ",\"exp\":" exp ",\"sub\":" sub "}"
#define GOOD CLAIMS("\"i\"", "\"a\"", "1900000600", "\"anna\"")
#define ORDER_OF_P256 "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"

static const char *const names[] = { NULL, "things:read" };
static const ChScopes scopes = { .names = names, .names_n = G_N_ELEMENTS(names) };
static const ChTokenRules rules = {
    .issuer = "i", .audience = "a", .type = "at+jwt", .owner_claim = "sub", .scopes = &scopes
};
static const char broken[] = "the signature does not hold";
static const char no_form[] = "this is no token in the form header.claims.signature";

enum {
    HALF = 32, /* of a signature of P-256 */
};

typedef struct {
    Signer *ec;
    Signer *rsa;
    ChKeySet *keys;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->ec = signer_new_ec("P-256");
    f->rsa = signer_new_rsa(2048);
    g_autofree char *ec = signer_jwk(f->ec, "ec", "");
    g_autofree char *rsa = signer_jwk(f->rsa, "rsa", "");
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s,%s]}", ec, rsa);
    f->keys = ch_key_set_parse(json, strlen(json), NULL);
    g_assert_nonnull(f->keys);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_key_set_unref(f->keys);
    signer_free(f->ec);
    signer_free(f->rsa);
}

/* Takes @token; the reason why it is refused, NULL: it is not. */
static const char *fault_of(const Fixture *f, char *token)
{
    g_autoptr(ChCaller) caller = NULL;
    const char *why = NULL;
    ChTokenVerdict verdict =
        ch_token_check(&rules, f->keys, token, strlen(token), NOW_S, &caller, &why);
    g_assert_true((verdict == CH_TOKEN_GOOD) == (caller != NULL));
    g_free(token);
    return verdict == CH_TOKEN_GOOD ? NULL : why;
}

typedef struct {
    const char *text; /* of a header or of claims */
    const char *why;
} Case;

static void test_headers(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char algorithm[] = "the algorithm is not allowed";
    static const char malformed[] = "the header is malformed";
    static const char kid[] = "the id of the key is malformed";
    static const char type[] = "the token is of another type";
    static const Case cases[] = {
        { HEADER, NULL },
        { "{\"typ\":\"at+jwt\",\"alg\":\"nOnE\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"NONE\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":null,\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":[\"ES256\"],\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\" ES256\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\\u0000\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256K\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"RS1\",\"kid\":\"rsa\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"HS384\",\"kid\":\"rsa\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"RSA-OAEP\",\"kid\":\"rsa\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"dir\",\"kid\":\"ec\"}", algorithm },
        { "{\"typ\":\"at+jwt\",\"alg\":\"PBES2-HS256+A128KW\",\"p2c\":2147483647,\"kid\":\"ec\"}",
          algorithm },
        { "{\"typ\":[\"at+jwt\"],\"alg\":\"ES256\",\"kid\":\"ec\"}", type },
        { "{\"typ\":\"at+jwt\\u0000\",\"alg\":\"ES256\",\"kid\":\"ec\"}", type },
        { "{\"typ\":\"application/\",\"alg\":\"ES256\",\"kid\":\"ec\"}", type },
        { "{\"typ\":\"logout+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}", type },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":null}", kid },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":{\"ec\":1}}", kid },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\\u0000x\"}", kid },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"x' union select 'k\"}",
          "the key is unknown" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"| touch x\"}", "the key is unknown" },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\",}", malformed },
        { "{'typ':'at+jwt','alg':'ES256','kid':'ec'}", malformed },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}{}", malformed },
        { "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\",\"x\":\"\\ud800\"}", broken },
        { "null", malformed },
        { "\"ES256\"", malformed },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", cases[i].text, GOOD)), ==,
                        cases[i].why);
}

static void test_claims(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char issuer[] = "the token is of another issuer";
    static const char audience[] = "the token is for another audience";
    static const char expiry[] = "the token does not say when it expires";
    static const char subject[] = "the token does not say whose it is";
    static const char malformed[] = "the claims are malformed";
    static const Case cases[] = {
        { GOOD, NULL },
        { CLAIMS("\"i\\u0000j\"", "\"a\"", "1900000600", "\"anna\""), issuer },
        { CLAIMS("[\"i\"]", "\"a\"", "1900000600", "\"anna\""), issuer },
        { CLAIMS("\"i \"", "\"a\"", "1900000600", "\"anna\""), issuer },
        { CLAIMS("\"I\"", "\"a\"", "1900000600", "\"anna\""), issuer },
        { CLAIMS("\"i\"", "\"a\\u0000b\"", "1900000600", "\"anna\""), audience },
        { CLAIMS("\"i\"", "[\"a\\u0000\"]", "1900000600", "\"anna\""), audience },
        { CLAIMS("\"i\"", "[[\"a\"]]", "1900000600", "\"anna\""), audience },
        { CLAIMS("\"i\"", "[]", "1900000600", "\"anna\""), audience },
        { CLAIMS("\"i\"", "null", "1900000600", "\"anna\""), audience },
        { CLAIMS("\"i\"", "\"a\"", "null", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "true", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "[1900000600]", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "253402300800", "\"anna\""), expiry }, /* the year 10000 */
        { CLAIMS("\"i\"", "\"a\"", "9223372036854775808", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "18446744073709551616", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "1e999999999", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "-1900000600", "\"anna\""), expiry },
        { CLAIMS("\"i\"", "\"a\"", "1899999970", "\"anna\""), "the token has expired" },
        { CLAIMS("\"i\"", "\"a\"", "1899999971", "\"anna\""), NULL }, /* by the skew */
        { CLAIMS("\"i\"", "\"a\"", "0", "\"anna\""), "the token has expired" },
        { CLAIMS("\"i\"", "\"a\"", "1900000600,\"nbf\":[0]", "\"anna\""),
          "the token is not valid yet" },
        { CLAIMS("\"i\"", "\"a\"", "1900000600,\"iat\":\"0\"", "\"anna\""),
          "the token was issued in the future" },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "\"anna\\u0000admin\""), subject },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "\"anna\\u007f\""), subject },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "[\"anna\"]"), subject },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "null"), subject },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "\"anna\",\"sub\":\"berta\""), malformed },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "\"anna\",\"\\u0073ub\":\"berta\""), malformed },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "\"anna\",\"SCOPE\":\"\",\"scope\":\"\""),
          malformed },
        { CLAIMS("\"i\"", "\"a\"", "1900000600", "\"\xff\""), malformed },
        { "\xef\xbb\xbf" GOOD, malformed },
        { GOOD "}", malformed },
        { "eyJhbGciOiJub25lIn0.e30.", malformed }, /* a token in a token */
        { "[" GOOD "]", malformed },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", HEADER, cases[i].text)), ==,
                        cases[i].why);
}

/* The token of HEADER and GOOD with other bytes for its signature. */
static char *signed_by(const uint8_t *signature, size_t n)
{
    g_autofree char *header = signer_encode(HEADER, strlen(HEADER));
    g_autofree char *claims = signer_encode(GOOD, strlen(GOOD));
    g_autofree char *text = signer_encode(signature, n);
    return g_strdup_printf("%s.%s.%s", header, claims, text);
}

/* Writes @hex as a number of HALF bytes. */
static void write_number(const char *hex, uint8_t *bytes)
{
    BIGNUM *number = NULL;
    g_assert_cmpint(BN_hex2bn(&number, hex), >, 0);
    g_assert_cmpint(BN_bn2binpad(number, bytes, HALF), ==, HALF);
    BN_free(number);
}

/* The halves that make a careless check divide by nothing, or hold for every message. */
static void test_numbers_of_signatures(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const numbers[] = { "0", "1", ORDER_OF_P256 };
    for (size_t i = 0; i < G_N_ELEMENTS(numbers) * G_N_ELEMENTS(numbers); i++) {
        uint8_t bytes[2 * HALF];
        write_number(numbers[i / G_N_ELEMENTS(numbers)], bytes);
        write_number(numbers[i % G_N_ELEMENTS(numbers)], bytes + HALF);
        g_assert_cmpstr(fault_of(f, signed_by(bytes, sizeof bytes)), ==, broken);
    }
}

static size_t signature_of(const char *token, uint8_t *bytes)
{
    const char *text = strrchr(token, '.') + 1;
    size_t n = 0;
    g_autofree char *padded = g_strconcat(text, "====", NULL);
    padded[(strlen(text) + 3) / 4 * 4] = '\0';
    g_strdelimit(padded, "-", '+');
    g_strdelimit(padded, "_", '/');
    g_autofree guchar *decoded = g_base64_decode(padded, &n);
    memcpy(bytes, decoded, n);
    return n;
}

/* The same two numbers, written otherwise than RFC 7518 has them. */
static void test_spellings_of_a_signature(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    uint8_t bytes[2 * HALF + 2] = { 0 };
    uint8_t *der = NULL;
    g_autofree char *good = signer_sign(f->ec, "ES256", HEADER, GOOD);
    g_assert_cmpuint(signature_of(good, bytes), ==, 2 * HALF);
    g_assert_cmpstr(fault_of(f, signed_by(bytes, 2 * HALF)), ==, NULL);
    g_assert_cmpstr(fault_of(f, signed_by(bytes, 2 * HALF - 1)), ==, broken);
    g_assert_cmpstr(fault_of(f, signed_by(bytes, 2 * HALF + 1)), ==, broken);
    g_assert_cmpstr(fault_of(f, signed_by(bytes, 2 * HALF + 2)), ==, broken);
    g_assert_cmpstr(fault_of(f, signed_by(bytes, HALF)), ==, broken);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(bytes, HALF, NULL), BN_bin2bn(bytes + HALF, HALF, NULL));
    int n = i2d_ECDSA_SIG(pair, &der);
    g_assert_cmpstr(fault_of(f, signed_by(der, (size_t)n)), ==, broken);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
}

#define RSA_HEADER(algorithm) "{\"typ\":\"at+jwt\",\"alg\":\"" algorithm "\",\"kid\":\"rsa\"}"

/* A signature of one kind under the name of another one. */
static void test_other_signatures_of_the_key(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const kinds[] = { "RS256", "RS384", "RS512", "PS256", "PS384", "PS512" };
    for (size_t made = 0; made < G_N_ELEMENTS(kinds); made++) {
        for (size_t said = 0; said < G_N_ELEMENTS(kinds); said++) {
            g_autofree char *header = g_strdup_printf(RSA_HEADER("%s"), kinds[said]);
            g_assert_cmpstr(fault_of(f, signer_sign(f->rsa, kinds[made], header, GOOD)), ==,
                            made == said ? NULL : broken);
        }
    }
}

static void test_lengths_of_an_rsa_signature(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *good = signer_sign(f->rsa, "RS256", RSA_HEADER("RS256"), GOOD);
    g_assert_cmpstr(fault_of(f, g_strconcat(good, "AAAA", NULL)), ==, broken);
    g_assert_cmpstr(fault_of(f, g_strndup(good, strlen(good) - 4)), ==, broken);
    size_t head = (size_t)(strrchr(good, '.') - good) + 1;
    g_autofree char *zeros = g_strnfill(342, 'A');
    g_assert_cmpstr(fault_of(f, g_strdup_printf("%.*s%s", (int)head, good, zeros)), ==, broken);
    g_assert_cmpstr(fault_of(f, g_strdup_printf("%.*sAAAA%s", (int)head, good, good + head)), ==,
                    broken);
}

/* ---- forms ---- */

static void test_other_forms(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *good = signer_sign(f->ec, "ES256", HEADER, GOOD);
    g_auto(GStrv) parts = g_strsplit(good, ".", -1);
    g_assert_cmpstr(fault_of(f, g_strdup("a.b.c.d.e")), ==, no_form); /* a JWE */
    g_assert_cmpstr(fault_of(f, g_strdup_printf("{\"payload\":\"%s\",\"protected\":\"%s\","
                                                "\"signature\":\"%s\"}",
                                                parts[1], parts[0], parts[2])),
                    ==, no_form);
    g_assert_cmpstr(fault_of(f, g_strdup_printf("%s.%s=.%s", parts[0], parts[1], parts[2])), ==,
                    broken);
    g_assert_cmpstr(fault_of(f, g_strdup_printf("%s=.%s.%s", parts[0], parts[1], parts[2])), ==,
                    "the header is malformed");
    g_assert_cmpstr(fault_of(f, g_strdup_printf("%s\n.%s.%s", parts[0], parts[1], parts[2])), ==,
                    "the header is malformed");
    g_assert_cmpstr(fault_of(f, g_strdup_printf("%s..%s", parts[0], parts[2])), ==, broken);
}

/* ---- sizes ---- */

static void test_what_is_long(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *fill = g_strnfill(300, 'k');
    g_autofree char *long_kid =
        g_strdup_printf("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"%.257s\"}", fill);
    g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", long_kid, GOOD)), ==,
                    "the id of the key is malformed");
    for (int n = 255; n <= 256; n++) {
        g_autofree char *claims = g_strdup_printf(
            "{\"iss\":\"i\",\"aud\":\"a\",\"exp\":1900000600,\"sub\":\"%.*s\"}", n, fill);
        g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", HEADER, claims)), ==,
                        n == 255 ? NULL : "the token does not say whose it is");
    }
}

/* @members more members than a good one has. */
static char *with_members(const char *good, int members)
{
    GString *text = g_string_new_len(good, (gssize)strlen(good) - 1);
    for (int i = 0; i < members; i++)
        g_string_append_printf(text, ",\"m%d\":1", i);
    g_string_append_c(text, '}');
    return g_string_free(text, FALSE);
}

static void test_many_members(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (int more = 0; more <= 1; more++) {
        g_autofree char *header = with_members(HEADER, 13 + more);
        g_autofree char *claims = with_members(GOOD, 124 + more);
        g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", header, GOOD)), ==,
                        more == 0 ? NULL : "the header is malformed");
        g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", HEADER, claims)), ==,
                        more == 0 ? NULL : "the claims are malformed");
    }
}

/* A list of audiences as long as a token can be, and one that is nested as deep. */
static void test_deep_and_wide(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *open = g_strnfill(2000, '[');
    g_autofree char *close = g_strnfill(2000, ']');
    g_autofree char *deep = g_strdup_printf(
        "{\"iss\":\"i\",\"aud\":\"a\",\"exp\":1900000600,\"sub\":\"s\",\"x\":%s%s}", open, close);
    g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", HEADER, deep)), ==,
                    "the claims are malformed");
    g_autoptr(GString) wide =
        g_string_new("{\"iss\":\"i\",\"exp\":1900000600,\"sub\":\"s\",\"aud\":[");
    while (wide->len < 5900)
        g_string_append(wide, "0,");
    g_string_append(wide, "\"a\"]}");
    g_assert_cmpstr(fault_of(f, signer_sign(f->ec, "ES256", HEADER, wide->str)), ==, NULL);
}

/* @token with its part @part changed. */
static char *with_part(const char *token, size_t part, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(token, ".", -1);
    g_free(parts[part]);
    parts[part] = g_strdup(text);
    return g_strjoinv(".", parts);
}

/* cjose ends the process where a part is no base64: it must not get to see one. */
static void test_every_part_is_base64url(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const odd[] = { "",      "A",    "AAAAA", "AA=A", "A===",     "====",
                                       "AAAA=", "AA==", "A\nAA", "+/+/", "\xff\xfe", "AB" };
    g_autofree char *good = signer_sign(f->ec, "ES256", HEADER, GOOD);
    for (size_t part = 0; part < 3; part++) {
        for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
            g_assert_nonnull(fault_of(f, with_part(good, part, odd[i])));
    }
    for (size_t i = 0; i < strlen(good); i++) {
        if (good[i] != '.')
            g_assert_nonnull(fault_of(f, g_strdup_printf("%.*s%s", (int)i, good, good + i + 1)));
    }
    for (const char *c = "=+/. !"; *c != '\0'; c++) {
        for (size_t i = 0; i < strlen(good); i++) {
            char *changed = g_strdup(good);
            changed[i] = *c;
            if (strcmp(changed, good) != 0)
                g_assert_nonnull(fault_of(f, changed));
            else
                g_free(changed);
        }
    }
}

static void add(const char *name, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/hostile-token/headers", test_headers);
    add("/hostile-token/claims", test_claims);
    add("/hostile-token/signature/numbers", test_numbers_of_signatures);
    add("/hostile-token/signature/spellings", test_spellings_of_a_signature);
    add("/hostile-token/signature/other-kinds", test_other_signatures_of_the_key);
    add("/hostile-token/signature/lengths", test_lengths_of_an_rsa_signature);
    add("/hostile-token/forms", test_other_forms);
    add("/hostile-token/what-is-long", test_what_is_long);
    add("/hostile-token/many-members", test_many_members);
    add("/hostile-token/deep-and-wide", test_deep_and_wide);
    add("/hostile-token/every-part-is-base64url", test_every_part_is_base64url);
    return g_test_run();
}
