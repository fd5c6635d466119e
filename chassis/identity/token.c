/* In the order of what a fault costs us: size, header, key, signature, claims. Nothing that a token
 * says is believed before its signature holds, but for which key that is. */
#include "chassis/identity/token.h"

#include "chassis/core/decimal.h"
#include "chassis/identity/base64url.h"
#include "chassis/identity/strict_json.h"
#include "chassis/json/json_read.h"

#include <string.h>

enum {
    MAX_HEADER_MEMBERS = 16,
    MAX_CLAIMS = 128,
    MAX_ID_BYTES = 256,
    MAX_SUBJECT_BYTES = 255, /* OpenID Connect Core, section 2 */
    MAX_ROLES_BYTES = 255,   /* of the names that are kept; one more may go beyond */
};

static const int64_t MAX_TIME_S = INT64_C(253402300799); /* the end of the year 9999 */

/* The three parts of a token, encoded. */
typedef struct {
    const char *text[3];
    size_t bytes[3];
} Parts;

enum {
    HEADER,
    CLAIMS,
    SIGNATURE
};

/* ---- the form ---- */

static bool cut(const char *token, size_t bytes, Parts *parts)
{
    size_t n = 0;
    size_t start = 0;
    for (size_t i = 0; i <= bytes; i++) {
        if (i < bytes && token[i] != '.')
            continue;
        if (n == G_N_ELEMENTS(parts->text))
            return false;
        parts->text[n] = token + start;
        parts->bytes[n++] = i - start;
        start = i + 1;
    }
    return n == G_N_ELEMENTS(parts->text) && parts->bytes[SIGNATURE] > 0;
}

/* Its bytes; NULL: it is not base64url. */
static uint8_t *decode(const Parts *parts, int part, size_t *n)
{
    g_autofree uint8_t *decoded = g_malloc(parts->bytes[part] + 1);
    if (!ch_base64url_decode(parts->text[part], parts->bytes[part], decoded, n))
        return NULL;
    return g_steal_pointer(&decoded);
}

/* An object without doubt; NULL: it is none. */
static ChJson *read_object(const uint8_t *text, size_t bytes, size_t max_members)
{
    g_autoptr(ChJson) json = ch_json_parse((const char *)text, bytes, NULL);
    if (json == NULL || !ch_strict_is_object(ch_json_root(json), max_members))
        return NULL;
    return g_steal_pointer(&json);
}

/* ---- the header ---- */

/* RFC 8725, section 3.10: what names keys, or changes what is signed. */
static bool has_refused_member(ChJsonValue header)
{
    static const char *const names[] = { "crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (ch_json_is_set(ch_json_member(header, names[i])))
            return true;
    }
    return false;
}

/* RFC 7515, section 4.1.9: application/ may be left out, and case does not count. */
static bool is_type(const char *given, const char *wanted)
{
    static const char prefix[] = "application/";
    if (given == NULL)
        return false;
    if (g_ascii_strncasecmp(given, prefix, sizeof prefix - 1) == 0)
        given += sizeof prefix - 1;
    return g_ascii_strcasecmp(given, wanted) == 0;
}

/* NULL: fine. */
static const char *fault_of_header(ChJsonValue header, const ChTokenRules *rules,
                                   const ChAlgorithm **algorithm, const char **id)
{
    if (has_refused_member(header))
        return "the header holds a member that is not allowed";
    if (!is_type(ch_strict_text(header, "typ"), rules->type))
        return "the token is of another type";
    const char *name = ch_strict_text(header, "alg");
    *algorithm = name == NULL ? NULL : ch_algorithm_find(name);
    if (*algorithm == NULL)
        return "the algorithm is not allowed";
    ChJsonValue kid = ch_json_member(header, "kid");
    *id = ch_strict_text(header, "kid");
    if (ch_json_is_set(kid) && (*id == NULL || strlen(*id) > MAX_ID_BYTES))
        return "the id of the key is malformed";
    return NULL;
}

static ChTokenVerdict find_key(const ChKeySet *keys, const ChAlgorithm *algorithm, const char *id,
                               const ChJwk **key, const char **why)
{
    switch (ch_key_set_find(keys, algorithm, id, key)) {
    case CH_KEY_FOUND:
        return CH_TOKEN_GOOD;
    case CH_KEY_UNKNOWN:
        *why = "the key is unknown";
        return CH_TOKEN_UNKNOWN_KEY;
    case CH_KEY_UNFIT:
        *why = "the algorithm is not that of the key";
        return CH_TOKEN_BAD;
    case CH_KEY_AMBIGUOUS:
        *why = "the token does not say which key signed it";
        return CH_TOKEN_BAD;
    }
    g_assert_not_reached();
}

/* The key that is said to have signed. */
static ChTokenVerdict check_header(const ChTokenRules *rules, const ChKeySet *keys,
                                   const Parts *parts, const ChJwk **key, const char **why)
{
    *why = "the header is malformed";
    if (parts->bytes[HEADER] > CH_TOKEN_MAX_HEADER_BYTES)
        return CH_TOKEN_BAD;
    size_t n;
    g_autofree uint8_t *decoded = decode(parts, HEADER, &n);
    g_autoptr(ChJson) json = decoded == NULL ? NULL : read_object(decoded, n, MAX_HEADER_MEMBERS);
    if (json == NULL)
        return CH_TOKEN_BAD;
    const ChAlgorithm *algorithm = NULL;
    const char *id = NULL;
    *why = fault_of_header(ch_json_root(json), rules, &algorithm, &id);
    if (*why != NULL)
        return CH_TOKEN_BAD;
    return find_key(keys, algorithm, id, key, why);
}

static bool signature_holds(const ChJwk *key, const char *token, size_t bytes, const Parts *parts)
{
    size_t n;
    g_autofree uint8_t *decoded = decode(parts, SIGNATURE, &n);
    return decoded != NULL && ch_jwk_has_signatures_of(key, n) && ch_jwk_verify(key, token, bytes);
}

/* ---- the claims ---- */

typedef enum {
    TIME_ABSENT,
    TIME_READ,
    TIME_BAD
} TimeRead;

/* A NumericDate, fractions cut off. */
static TimeRead read_time(ChJsonValue claims, const char *name, int64_t *seconds)
{
    ChJsonValue found = ch_strict_member(claims, name);
    ChDecimal value = 0;
    g_autoptr(ChViolations) violations = ch_violations_new();
    if (!ch_json_is_set(found))
        return TIME_ABSENT;
    if (!ch_json_read_decimal(claims, name, CH_JSON_REQUIRED, 0, MAX_TIME_S * CH_DECIMAL_ONE,
                              &value, violations))
        return TIME_BAD;
    *seconds = value / CH_DECIMAL_ONE;
    return TIME_READ;
}

/* NULL: fine. */
static const char *fault_of_times(ChJsonValue claims, int64_t now_s, int64_t *until_s)
{
    int64_t expires_s = 0;
    int64_t before_s = 0;
    int64_t issued_s = 0;
    if (read_time(claims, "exp", &expires_s) != TIME_READ)
        return "the token does not say when it expires";
    if (expires_s + CH_TOKEN_SKEW_S <= now_s)
        return "the token has expired";
    if (read_time(claims, "nbf", &before_s) == TIME_BAD || before_s > now_s + CH_TOKEN_SKEW_S)
        return "the token is not valid yet";
    if (read_time(claims, "iat", &issued_s) == TIME_BAD || issued_s > now_s + CH_TOKEN_SKEW_S)
        return "the token was issued in the future";
    *until_s = expires_s + CH_TOKEN_SKEW_S;
    return NULL;
}

/* RFC 7519, section 4.1.3: a text, or a list of texts. */
static bool names_audience(ChJsonValue claims, const char *audience)
{
    ChJsonValue found = ch_strict_member(claims, "aud");
    if (ch_json_kind(found) == CH_JSON_TEXT)
        return g_strcmp0(ch_json_text(found, NULL), audience) == 0;
    if (ch_json_kind(found) != CH_JSON_ARRAY)
        return false;
    for (ChJsonValue it = ch_json_first(found); ch_json_is_set(it); it = ch_json_next(it)) {
        if (g_strcmp0(ch_json_text(it, NULL), audience) == 0)
            return true;
    }
    return false;
}

/* What goes into logs and the database. */
static bool is_name(const char *text)
{
    if (text == NULL || *text == '\0' || strlen(text) > MAX_SUBJECT_BYTES)
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return false;
    }
    return true;
}

/* The scopes of the roles that we know, whose names go to @names. */
static uint64_t scopes_of_roles(ChJsonValue roles, const ChScopes *scopes, GString *names)
{
    uint64_t found = 0;
    if (ch_json_kind(roles) != CH_JSON_ARRAY)
        return 0;
    for (ChJsonValue it = ch_json_first(roles); ch_json_is_set(it); it = ch_json_next(it)) {
        const char *role = ch_json_text(it, NULL);
        uint64_t its = role == NULL ? 0 : ch_scopes_of_role(scopes, role);
        if (its != 0 && names->len < MAX_ROLES_BYTES)
            g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", role);
        found |= its;
    }
    return found;
}

static ChCaller *caller_of(ChJsonValue claims, const ChTokenRules *rules, const char *subject,
                           int64_t until_s)
{
    const char *owner = ch_strict_text(claims, rules->owner_claim);
    const char *words = ch_strict_text(claims, "scope");
    const char *id = ch_strict_text(claims, "jti");
    GString *roles = g_string_new(NULL);
    uint64_t scopes = words == NULL ? 0 : ch_scopes_of_words(rules->scopes, words);
    scopes |= scopes_of_roles(ch_strict_member(claims, "roles"), rules->scopes, roles);
    ChCaller *caller = ch_caller_new(subject, is_name(owner) ? owner : "", scopes, until_s);
    caller->token_id = is_name(id) ? g_strdup(id) : NULL;
    caller->roles = g_string_free(roles, roles->len == 0);
    return caller;
}

/* NULL: fine. */
static const char *read_claims(ChJsonValue claims, const ChTokenRules *rules, int64_t now_s,
                               ChCaller **caller)
{
    int64_t until_s = 0;
    const char *fault = fault_of_times(claims, now_s, &until_s);
    if (fault != NULL)
        return fault;
    if (g_strcmp0(ch_strict_text(claims, "iss"), rules->issuer) != 0)
        return "the token is of another issuer";
    if (!names_audience(claims, rules->audience))
        return "the token is for another audience";
    const char *subject = ch_strict_text(claims, "sub");
    if (!is_name(subject))
        return "the token does not say whose it is";
    *caller = caller_of(claims, rules, subject, until_s);
    return NULL;
}

/* What a token without "jti" is called. */
static char *digest_of(const char *token, size_t bytes)
{
    g_autofree char *sha256 =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)token, bytes);
    return g_strdup_printf("sha256:%.32s", sha256);
}

ChTokenVerdict ch_token_check(const ChTokenRules *rules, const ChKeySet *keys, const char *token,
                              size_t bytes, int64_t now_s, ChCaller **caller, const char **why)
{
    Parts parts;
    const ChJwk *key = NULL;
    *why = "this is no token in the form header.claims.signature";
    if (bytes > CH_TOKEN_MAX_BYTES || !cut(token, bytes, &parts))
        return CH_TOKEN_BAD;
    ChTokenVerdict verdict = check_header(rules, keys, &parts, &key, why);
    if (verdict != CH_TOKEN_GOOD)
        return verdict;
    size_t claims_n;
    g_autofree uint8_t *claims = decode(&parts, CLAIMS, &claims_n);
    *why = "the signature does not hold";
    if (claims == NULL || !signature_holds(key, token, bytes, &parts))
        return CH_TOKEN_BAD;
    *why = "the claims are malformed";
    g_autoptr(ChJson) json = read_object(claims, claims_n, MAX_CLAIMS);
    if (json == NULL)
        return CH_TOKEN_BAD;
    *why = read_claims(ch_json_root(json), rules, now_s, caller);
    if (*why != NULL)
        return CH_TOKEN_BAD;
    if ((*caller)->token_id == NULL)
        (*caller)->token_id = digest_of(token, bytes);
    return CH_TOKEN_GOOD;
}
