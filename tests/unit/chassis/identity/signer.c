/* JWS by OpenSSL. */
#include "signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <string.h>

struct Signer {
    EVP_PKEY *key;
    const char *curve;   /* NULL: RSA */
    size_t number_bytes; /* of a coordinate, and of each half of a signature */
};

enum {
    MAX_BYTES = 2048,
};

char *signer_encode(const void *bytes, size_t n)
{
    char *text = g_base64_encode(bytes, n);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

Signer *signer_new_rsa(unsigned bits)
{
    Signer *signer = g_new0(Signer, 1);
    signer->key = EVP_RSA_gen(bits);
    g_assert_nonnull(signer->key);
    return signer;
}

Signer *signer_new_ec(const char *curve)
{
    Signer *signer = g_new0(Signer, 1);
    signer->key = EVP_EC_gen(curve);
    g_assert_nonnull(signer->key);
    signer->curve = curve;
    signer->number_bytes = (size_t)(EVP_PKEY_get_bits(signer->key) + 7) / 8;
    return signer;
}

void signer_free(Signer *signer)
{
    EVP_PKEY_free(signer->key);
    g_free(signer);
}

/* Padded to @bytes; 0: as long as it is. */
static char *number(const Signer *signer, const char *name, size_t bytes)
{
    BIGNUM *value = NULL;
    uint8_t text[MAX_BYTES];
    g_assert_cmpint(EVP_PKEY_get_bn_param(signer->key, name, &value), ==, 1);
    int n = bytes == 0 ? BN_num_bytes(value) : (int)bytes;
    g_assert_cmpint(BN_bn2binpad(value, text, n), ==, n);
    BN_free(value);
    return signer_encode(text, (size_t)n);
}

char *signer_jwk(const Signer *signer, const char *kid, const char *more)
{
    bool is_ec = signer->curve != NULL;
    g_autofree char *first = number(
        signer, is_ec ? OSSL_PKEY_PARAM_EC_PUB_X : OSSL_PKEY_PARAM_RSA_N, signer->number_bytes);
    g_autofree char *second = number(
        signer, is_ec ? OSSL_PKEY_PARAM_EC_PUB_Y : OSSL_PKEY_PARAM_RSA_E, signer->number_bytes);
    if (is_ec)
        return g_strdup_printf(
            "{\"kty\":\"EC\",\"crv\":\"%s\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s}",
            signer->curve, kid, first, second, more);
    return g_strdup_printf("{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"%s}", kid,
                           first, second, more);
}

/* ---- signatures ---- */

/* From DER to the two numbers one after the other (RFC 7518, section 3.4). */
static size_t flatten(const Signer *signer, const uint8_t *der, size_t n, uint8_t *flat)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)n);
    int half = (int)signer->number_bytes;
    g_assert_cmpint(BN_bn2binpad(ECDSA_SIG_get0_r(pair), flat, half), ==, half);
    g_assert_cmpint(BN_bn2binpad(ECDSA_SIG_get0_s(pair), flat + half, half), ==, half);
    ECDSA_SIG_free(pair);
    return (size_t)half * 2;
}

static char *unsigned_token(const char *header, const char *claims)
{
    g_autofree char *first = signer_encode(header, strlen(header));
    g_autofree char *second = signer_encode(claims, strlen(claims));
    return g_strdup_printf("%s.%s", first, second);
}

char *signer_sign(const Signer *signer, const char *algorithm, const char *header,
                  const char *claims)
{
    g_autofree char *text = unsigned_token(header, claims);
    g_autofree char *digest = g_strdup_printf("SHA%s", algorithm + 2);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    uint8_t made[MAX_BYTES];
    uint8_t flat[MAX_BYTES];
    size_t n = sizeof made;
    g_assert_cmpint(EVP_DigestSignInit_ex(context, &options, digest, NULL, NULL, signer->key, NULL),
                    ==, 1);
    if (algorithm[0] == 'P') {
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    g_assert_cmpint(EVP_DigestSign(context, made, &n, (const unsigned char *)text, strlen(text)),
                    ==, 1);
    EVP_MD_CTX_free(context);
    bool is_ec = signer->curve != NULL;
    if (is_ec)
        n = flatten(signer, made, n, flat);
    g_autofree char *signature = signer_encode(is_ec ? flat : made, n);
    return g_strdup_printf("%s.%s", text, signature);
}

char *signer_hmac(const char *key, const char *header, const char *claims)
{
    g_autofree char *text = unsigned_token(header, claims);
    uint8_t digest[32];
    gsize n = sizeof digest;
    GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, (const guchar *)key, strlen(key));
    g_hmac_update(hmac, (const guchar *)text, -1);
    g_hmac_get_digest(hmac, digest, &n);
    g_hmac_unref(hmac);
    g_autofree char *signature = signer_encode(digest, n);
    return g_strdup_printf("%s.%s", text, signature);
}
