/* What a key says of itself is checked here; its mathematics are OpenSSL's, through cjose. */
#include "chassis/identity/jwk.h"

#include "chassis/identity/base64url.h"
#include "chassis/identity/strict_json.h"

#include <cjose/cjose.h>
#include <string.h>

enum {
    MAX_MEMBERS = 32,
    MAX_ID_BYTES = 256,
    MIN_RSA_BITS = 2048, /* RFC 7518, section 3.3 */
    MAX_RSA_BITS = 8192, /* a check takes 0.3 ms, and four times as long for each doubling */
    MAX_EXPONENT_BYTES = 4,
    MAX_NUMBER_CHARS = MAX_RSA_BITS / 6 + 2,
};

struct ChJwk {
    char *id;
    char *type;
    char *curve;     /* NULL: RSA */
    char *algorithm; /* the only one that it is for; NULL: all that fit */
    cjose_jwk_t *key;
};

/* ---- what is refused ---- */

static bool has_private_part(ChJsonValue object)
{
    static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (ch_json_is_set(ch_strict_member(object, names[i])))
            return true;
    }
    return false;
}

/* Absent: for everything (RFC 7517, sections 4.2 and 4.3). */
static bool is_for_signatures(ChJsonValue object)
{
    ChJsonValue use = ch_strict_member(object, "use");
    if (ch_json_is_set(use) && g_strcmp0(ch_json_text(use, NULL), "sig") != 0)
        return false;
    ChJsonValue operations = ch_strict_member(object, "key_ops");
    bool verifies = !ch_json_is_set(operations);
    for (ChJsonValue it = ch_json_first(operations); ch_json_is_set(it); it = ch_json_next(it))
        verifies = verifies || g_strcmp0(ch_json_text(it, NULL), "verify") == 0;
    return verifies;
}

/* False: its algorithm is none of ours, or does not fit its type. */
static bool algorithm_fits(ChJsonValue object, const char *type, const char *curve)
{
    ChJsonValue member = ch_strict_member(object, "alg");
    if (!ch_json_is_set(member))
        return true;
    const char *name = ch_json_text(member, NULL);
    const ChAlgorithm *algorithm = name == NULL ? NULL : ch_algorithm_find(name);
    return algorithm != NULL && strcmp(algorithm->key_type, type) == 0 &&
           g_strcmp0(algorithm->curve, curve) == 0;
}

/* ---- numbers ---- */

/* A big-endian number; *text belongs to the document. */
static bool read_number(ChJsonValue object, const char *name, const char **text, uint8_t *bytes,
                        size_t *bytes_n)
{
    const char *found = ch_strict_text(object, name);
    if (found == NULL || *found == '\0' || strlen(found) > MAX_NUMBER_CHARS ||
        !ch_base64url_decode(found, strlen(found), bytes, bytes_n))
        return false;
    *text = found;
    return true;
}

static size_t bits_of(const uint8_t *bytes, size_t n)
{
    while (n > 0 && *bytes == 0) {
        bytes++;
        n--;
    }
    return n == 0 ? 0 : n * 8 - ((size_t)__builtin_clz(*bytes) - 24);
}

/* Odd and 3 or more, in at most 32 bits: a large one makes each check slow. */
static bool is_exponent(const uint8_t *bytes, size_t n)
{
    return n <= MAX_EXPONENT_BYTES && (bytes[n - 1] & 1) == 1 && bits_of(bytes, n) > 1;
}

/* ---- the two kinds ---- */

/* Only what we looked at gets to the library: constants, and numbers that are base64url. */
static cjose_jwk_t *import_rsa(ChJsonValue object, const char **why)
{
    uint8_t bytes[MAX_NUMBER_CHARS];
    const char *modulus;
    const char *exponent;
    size_t n;
    *why = "its modulus is malformed";
    if (!read_number(object, "n", &modulus, bytes, &n))
        return NULL;
    *why = "its modulus has fewer than 2048 or more than 8192 bits";
    if (bits_of(bytes, n) < MIN_RSA_BITS || bits_of(bytes, n) > MAX_RSA_BITS)
        return NULL;
    *why = "its exponent is malformed";
    if (!read_number(object, "e", &exponent, bytes, &n) || !is_exponent(bytes, n))
        return NULL;
    g_autofree char *json =
        g_strdup_printf("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", modulus, exponent);
    return cjose_jwk_import(json, strlen(json), NULL);
}

static cjose_jwk_t *import_ec(ChJsonValue object, const char *curve, const char **why)
{
    uint8_t bytes[MAX_NUMBER_CHARS];
    const char *x;
    const char *y;
    size_t n;
    *why = "its point is malformed";
    if (!read_number(object, "x", &x, bytes, &n) || !read_number(object, "y", &y, bytes, &n))
        return NULL;
    *why = "its point is not on the curve";
    g_autofree char *json =
        g_strdup_printf("{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", curve, x, y);
    return cjose_jwk_import(json, strlen(json), NULL);
}

/* 0: none of ours. */
static size_t signature_bytes_of(const char *curve)
{
    static const struct {
        const char *name;
        size_t signature_bytes; /* two numbers (RFC 7518, section 3.4) */
    } curves[] = { { "P-256", 64 }, { "P-384", 96 }, { "P-521", 132 } };
    for (size_t i = 0; i < G_N_ELEMENTS(curves); i++) {
        if (g_strcmp0(curves[i].name, curve) == 0)
            return curves[i].signature_bytes;
    }
    return 0;
}

/* ---- life ---- */

static cjose_jwk_t *import_key(ChJsonValue object, const char *type, const char *curve,
                               const char **why)
{
    if (strcmp(type, "RSA") == 0)
        return import_rsa(object, why);
    *why = "its type or its curve is none of ours";
    if (strcmp(type, "EC") != 0 || signature_bytes_of(curve) == 0)
        return NULL;
    return import_ec(object, curve, why);
}

ChJwk *ch_jwk_new(ChJsonValue object, const char **why)
{
    *why = "it is no object, or has a member twice";
    if (!ch_strict_is_object(object, MAX_MEMBERS))
        return NULL;
    const char *type = ch_strict_text(object, "kty");
    const char *id = ch_strict_text(object, "kid");
    const char *curve = g_strcmp0(type, "EC") == 0 ? ch_strict_text(object, "crv") : NULL;
    *why = "its type or its id is malformed";
    if (type == NULL || (id == NULL && ch_json_is_set(ch_strict_member(object, "kid"))) ||
        (id != NULL && strlen(id) > MAX_ID_BYTES))
        return NULL;
    *why = "it has a private part";
    if (has_private_part(object))
        return NULL;
    *why = "it is not for the signatures that are allowed";
    if (!is_for_signatures(object) || !algorithm_fits(object, type, curve))
        return NULL;
    cjose_jwk_t *imported = import_key(object, type, curve, why);
    if (imported == NULL)
        return NULL;
    ChJwk *key = g_new0(ChJwk, 1);
    key->key = imported;
    key->id = g_strdup(id == NULL ? "" : id);
    key->type = g_strdup(type);
    key->curve = g_strdup(curve);
    key->algorithm = g_strdup(ch_strict_text(object, "alg"));
    return key;
}

void ch_jwk_free(ChJwk *key)
{
    if (key == NULL)
        return;
    cjose_jwk_release(key->key);
    g_free(key->id);
    g_free(key->type);
    g_free(key->curve);
    g_free(key->algorithm);
    g_free(key);
}

const char *ch_jwk_id(const ChJwk *key)
{
    return key->id;
}

bool ch_jwk_fits(const ChJwk *key, const ChAlgorithm *algorithm)
{
    return strcmp(key->type, algorithm->key_type) == 0 &&
           g_strcmp0(key->curve, algorithm->curve) == 0 &&
           (key->algorithm == NULL || strcmp(key->algorithm, algorithm->name) == 0);
}

bool ch_jwk_has_signatures_of(const ChJwk *key, size_t bytes)
{
    return key->curve == NULL || bytes == signature_bytes_of(key->curve);
}

bool ch_jwk_verify(const ChJwk *key, const char *token, size_t bytes)
{
    cjose_jws_t *jws = cjose_jws_import(token, bytes, NULL);
    if (jws == NULL)
        return false;
    bool holds = cjose_jws_verify(jws, key->key, NULL);
    cjose_jws_release(jws);
    return holds;
}
