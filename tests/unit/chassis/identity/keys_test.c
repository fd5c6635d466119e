/* Key sets: which keys are used, and which are left out. */
#include "chassis/identity/key_set.h"

#include "signer.h"

#include <string.h>

static ChKeySet *must_parse(const char *keys)
{
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s]}", keys);
    g_autoptr(GError) error = NULL;
    ChKeySet *set = ch_key_set_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    return set;
}

static void must_refuse(const char *json, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(ch_key_set_parse(json, strlen(json), &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==, expected);
}

static void test_no_key_set(void)
{
    static const char no_list[] = "the key set has no list of keys";
    must_refuse("{}", no_list);
    must_refuse("[]", no_list);
    must_refuse("{\"keys\":{}}", no_list);
    must_refuse("{\"keys\":null}", no_list);
    must_refuse("{\"Keys\":[]}", no_list);
    must_refuse("{\"keys\":[],\"keys\":[]}", no_list);
    must_refuse("{\"keys\":[]}", "the key set has no key that is of use");
    must_refuse("{\"keys\":[1,null,[],\"x\",{}]}", "the key set has no key that is of use");
    g_autofree char *long_text = g_strnfill(CH_KEY_SET_MAX_BYTES + 1, ' ');
    must_refuse(long_text, "the key set is longer than 262144 bytes");
}

/* Each beside a good key, which stays of use. */
static void test_odd_keys_are_left_out(void)
{
    g_autoptr(Signer) signer = signer_new_ec("P-256");
    g_autoptr(Signer) short_rsa = signer_new_rsa(1024);
    g_autofree char *good = signer_jwk(signer, "good", "");
    g_autofree char *small = signer_jwk(short_rsa, "small", "");
    g_autofree char *private = signer_jwk(signer, "private", ",\"d\":\"AAAA\"");
    g_autofree char *encryption = signer_jwk(signer, "encryption", ",\"use\":\"enc\"");
    g_autofree char *operations = signer_jwk(signer, "operations", ",\"key_ops\":[\"sign\"]");
    g_autofree char *algorithm = signer_jwk(signer, "algorithm", ",\"alg\":\"RS256\"");
    g_autofree char *hmac = signer_jwk(signer, "hmac", ",\"alg\":\"HS256\"");
    g_autofree char *twice = signer_jwk(signer, "twice", ",\"kty\":\"EC\"");
    const char *const odd[] = {
        small,
        private,
        encryption,
        operations,
        algorithm,
        hmac,
        twice,
        good,
        "{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"kid\":\"o\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"EC\",\"kid\":\"o\",\"crv\":\"secp256k1\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
        "{\"kty\":\"EC\",\"kid\":\"o\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
        /* (0, 0) is no point of the curve */
        "{\"kty\":\"EC\",\"kid\":\"o\",\"crv\":\"P-256\","
        "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"EC\",\"kid\":\"o\",\"crv\":\"P-256\",\"x\":\"\",\"y\":7}",
        "{\"kty\":\"RSA\",\"kid\":\"o\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"kid\":\"o\",\"n\":\"\\\"}\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"kid\":\"o\"}",
        "{\"kty\":\"rsa\",\"kid\":\"o\"}",
        "{\"kty\":7,\"kid\":\"o\"}",
        "{\"kid\":\"o\"}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autofree char *keys = g_strdup_printf("%s,%s", good, odd[i]);
        g_autoptr(ChKeySet) set = must_parse(keys);
        g_assert_cmpuint(ch_key_set_count(set), ==, 1);
    }
}

/* What stands in a key set beside a good key, or around one. */
static void test_junk(void)
{
    g_autoptr(Signer) signer = signer_new_ec("P-256");
    g_autoptr(Signer) wide = signer_new_ec("P-384");
    g_autoptr(Signer) rsa = signer_new_rsa(2048);
    g_autofree char *good = signer_jwk(signer, "good", "");
    g_autofree char *other_curve = signer_jwk(wide, "o", ",\"alg\":\"ES256\"");
    g_autofree char *no_list = signer_jwk(signer, "o", ",\"key_ops\":\"verify\"");
    g_autofree char *no_operation = signer_jwk(signer, "o", ",\"key_ops\":[]");
    g_autofree char *odd_use = signer_jwk(signer, "o", ",\"use\":\"SIG\"");
    g_autofree char *wrong_use = signer_jwk(signer, "o", ",\"use\":[\"sig\"]");
    g_autofree char *secret = signer_jwk(rsa, "o", ",\"dp\":null");
    g_autofree char *symmetric = signer_jwk(rsa, "o", ",\"k\":\"AAAA\"");
    g_autofree char *twice = signer_jwk(rsa, "o", ",\"N\":\"AAAA\"");
    g_autofree char *wrapping = signer_jwk(rsa, "o", ",\"alg\":\"RSA-OAEP\"");
    g_autofree char *same_id = signer_jwk(rsa, "good", "");
    g_autofree char *nested = g_strdup_printf("{\"keys\":[%s]}", good);
    g_autofree char *in_a_list = g_strdup_printf("[%s]", good);
    const char *const junk[] = {
        other_curve, no_list,   no_operation, odd_use,  wrong_use,
        secret,      symmetric, twice,        wrapping, same_id,
        nested,      in_a_list, "\"a\"",      "1e400",  "{\"kty\":{\"kty\":\"EC\"}}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(junk); i++) {
        g_autofree char *keys = g_strdup_printf("%s,%s", good, junk[i]);
        g_autoptr(ChKeySet) set = must_parse(keys);
        g_assert_cmpuint(ch_key_set_count(set), ==, 1);
    }
}

/* Of two keys of one id it is the first that counts, whatever the other is. */
static void test_the_first_of_an_id(void)
{
    g_autoptr(Signer) ec = signer_new_ec("P-256");
    g_autoptr(Signer) rsa = signer_new_rsa(2048);
    g_autofree char *first = signer_jwk(ec, "1", "");
    g_autofree char *second = signer_jwk(rsa, "1", "");
    g_autofree char *keys = g_strdup_printf("%s,%s", first, second);
    g_autoptr(ChKeySet) set = must_parse(keys);
    const ChJwk *key = NULL;
    g_assert_cmpint(ch_key_set_find(set, ch_algorithm_find("ES256"), "1", &key), ==, CH_KEY_FOUND);
    g_assert_cmpint(ch_key_set_find(set, ch_algorithm_find("RS256"), "1", &key), ==, CH_KEY_UNFIT);
}

/* A modulus of zeros and few bits is short, and one of too many bits would make each check slow. */
static void test_sizes_of_a_modulus(void)
{
    g_autofree char *zeros = g_strnfill(300, 'A');
    g_autofree char *ones = g_strnfill(1400, '_');
    const char *const moduli[] = { zeros, ones, "AQ", "" };
    for (size_t i = 0; i < G_N_ELEMENTS(moduli); i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}]}", moduli[i]);
        must_refuse(json, "the key set has no key that is of use");
    }
}

static void test_nested_without_end(void)
{
    g_autofree char *open = g_strnfill(100000, '[');
    g_autofree char *json = g_strconcat("{\"keys\":", open, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(ch_key_set_parse(json, strlen(json), &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
    g_assert_true(g_str_has_prefix(error->message, "the key set "));
}

/* As many as fit into the largest text, each of no use. */
static void test_thousands_of_junk(void)
{
    g_autoptr(GString) keys = g_string_new("{\"keys\":[0");
    while (keys->len < CH_KEY_SET_MAX_BYTES - 100)
        g_string_append(keys, ",{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}");
    g_string_append(keys, "]}");
    must_refuse(keys->str, "the key set has no key that is of use");
}

/* An exponent of 1 lets every signature through. */
static void test_exponents(void)
{
    g_autoptr(Signer) signer = signer_new_rsa(2048);
    g_autofree char *jwk = signer_jwk(signer, "rsa", "");
    static const char *const exponents[] = { "AQ", "AA", "Ag", "AQAA", "AQAAAAAB", "" };
    for (size_t i = 0; i < G_N_ELEMENTS(exponents); i++) {
        g_auto(GStrv) around = g_strsplit(jwk, "\"AQAB\"", 2);
        g_assert_nonnull(around[1]);
        g_autofree char *json =
            g_strdup_printf("{\"keys\":[%s\"%s\"%s]}", around[0], exponents[i], around[1]);
        must_refuse(json, "the key set has no key that is of use");
    }
    g_autoptr(ChKeySet) set = must_parse(jwk);
    g_assert_cmpuint(ch_key_set_count(set), ==, 1);
}

static void test_find(void)
{
    g_autoptr(Signer) signer = signer_new_ec("P-256");
    g_autofree char *one = signer_jwk(signer, "1", ",\"key_ops\":[\"verify\"]");
    g_autofree char *two =
        signer_jwk(signer, "2", ",\"alg\":\"ES256\",\"use\":\"sig\",\"x5t\":\"a\"");
    g_autofree char *keys = g_strdup_printf("%s,%s", one, two);
    g_autoptr(ChKeySet) set = must_parse(keys);
    const ChAlgorithm *es256 = ch_algorithm_find("ES256");
    const ChAlgorithm *es384 = ch_algorithm_find("ES384");
    const ChJwk *key = NULL;
    g_assert_cmpint(ch_key_set_find(set, es256, "2", &key), ==, CH_KEY_FOUND);
    g_assert_cmpstr(ch_jwk_id(key), ==, "2");
    g_assert_cmpint(ch_key_set_find(set, es256, "3", &key), ==, CH_KEY_UNKNOWN);
    g_assert_cmpint(ch_key_set_find(set, es384, "1", &key), ==, CH_KEY_UNFIT);
    g_assert_cmpint(ch_key_set_find(set, es256, NULL, &key), ==, CH_KEY_AMBIGUOUS);
    g_assert_cmpint(ch_key_set_find(set, es384, NULL, &key), ==, CH_KEY_UNKNOWN);
}

static void test_a_thousand_keys(void)
{
    g_autoptr(Signer) signer = signer_new_ec("P-256");
    g_autoptr(GString) keys = g_string_new(NULL);
    for (int i = 0; i < 1000; i++) {
        g_autofree char *kid = g_strdup_printf("%d", i);
        g_autofree char *key = signer_jwk(signer, kid, "");
        g_string_append_printf(keys, "%s%s", i == 0 ? "" : ",", key);
    }
    g_autoptr(ChKeySet) set = must_parse(keys->str);
    g_assert_cmpuint(ch_key_set_count(set), ==, CH_KEY_SET_MAX_KEYS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keys/parse/no-key-set", test_no_key_set);
    g_test_add_func("/keys/parse/odd-keys-are-left-out", test_odd_keys_are_left_out);
    g_test_add_func("/keys/parse/junk", test_junk);
    g_test_add_func("/keys/parse/the-first-of-an-id", test_the_first_of_an_id);
    g_test_add_func("/keys/parse/sizes-of-a-modulus", test_sizes_of_a_modulus);
    g_test_add_func("/keys/parse/nested-without-end", test_nested_without_end);
    g_test_add_func("/keys/parse/thousands-of-junk", test_thousands_of_junk);
    g_test_add_func("/keys/parse/exponents", test_exponents);
    g_test_add_func("/keys/parse/a-thousand-keys", test_a_thousand_keys);
    g_test_add_func("/keys/find", test_find);
    return g_test_run();
}
