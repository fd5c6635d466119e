/* Two calls: where the keys are, and the keys. What they say is held to what tokens are held to. */
#include "chassis/identity/issuer.h"

#include "chassis/client/client.h"
#include "chassis/identity/strict_json.h"

#include <string.h>

#define WELL_KNOWN "/.well-known/openid-configuration"
#define HTTPS "https://"

enum {
    TRY_MS = 3000,
    MAX_URL_BYTES = 2048,
    MAX_MEMBERS = 128,
};

struct ChIssuer {
    char *url;
    char *discovery_url;
    ChHttpClient *client;
    ChIdentity *identity;
    uint8_t digest[32]; /* of the last key set: the same one again forgets no tokens */
    bool known;
};

static bool is_https(const char *url)
{
    return g_str_has_prefix(url, HTTPS) && strlen(url) > sizeof HTTPS - 1 &&
           strlen(url) < MAX_URL_BYTES && strpbrk(url, "?# ") == NULL;
}

ChIssuer *ch_issuer_new(const ChIssuerConfig *config, GError **error)
{
    const ChHttpClientConfig client = {
        .name = "issuer",
        .timeout_ms = TRY_MS,
        .total_budget_ms = CH_ISSUER_MAX_MS / 2,
        .breaker_failures = G_MAXINT, /* the lane that calls us waits by itself */
        .max_answer_bytes = CH_KEY_SET_MAX_BYTES,
        .max_concurrent = 1,
        .protocols = "https",
        .ca_file = config->ca_file,
    };
    if (!is_https(config->url)) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                    "AUTH_ISSUER must be an https:// URL without query, or be accompanied by "
                    "AUTH_JWKS_FILE");
        return NULL;
    }
    ChIssuer *issuer = g_new0(ChIssuer, 1);
    bool slash = g_str_has_suffix(config->url, "/");
    issuer->url = g_strdup(config->url);
    issuer->discovery_url = g_strconcat(config->url, &WELL_KNOWN[slash ? 1 : 0], NULL);
    issuer->client = ch_http_client_new(&client);
    issuer->identity = config->identity;
    return issuer;
}

void ch_issuer_free(ChIssuer *issuer)
{
    if (issuer == NULL)
        return;
    ch_http_client_free(issuer->client);
    g_free(issuer->url);
    g_free(issuer->discovery_url);
    g_free(issuer);
}

/* The body; NULL with *why. */
static GString *get(ChIssuer *issuer, const char *url, char **why)
{
    ChHttpCall call = { .method = "GET", .url = url };
    ch_http_client_fetch(issuer->client, &call, 1);
    GString *body = NULL;
    if (call.outcome == CH_HTTP_OK)
        body = g_steal_pointer(&call.answer);
    else
        *why = g_strdup(call.fault);
    ch_http_call_clear(&call);
    return body;
}

/* OpenID Connect Discovery 1.0, section 4.3: the issuer that is described must be ours. */
static char *keys_url_in(const ChIssuer *issuer, const GString *document, char **why)
{
    g_autoptr(ChJson) json = ch_json_parse(document->str, document->len, NULL);
    ChJsonValue root = json == NULL ? (ChJsonValue){ NULL, 0 } : ch_json_root(json);
    if (json == NULL || !ch_strict_is_object(root, MAX_MEMBERS)) {
        *why = g_strdup("its description is no JSON object");
        return NULL;
    }
    if (g_strcmp0(ch_strict_text(root, "issuer"), issuer->url) != 0) {
        *why = g_strdup("its description is of another issuer");
        return NULL;
    }
    const char *url = ch_strict_text(root, "jwks_uri");
    if (url == NULL || !g_str_has_prefix(url, HTTPS) || strlen(url) > MAX_URL_BYTES) {
        *why = g_strdup("its description names no https:// URL of keys");
        return NULL;
    }
    return g_strdup(url);
}

/* Whether it is the same text as last time. */
static bool is_known(ChIssuer *issuer, const GString *keys)
{
    uint8_t digest[sizeof issuer->digest];
    gsize n = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)keys->str, (gssize)keys->len);
    g_checksum_get_digest(checksum, digest, &n);
    bool same = issuer->known && memcmp(issuer->digest, digest, sizeof digest) == 0;
    memcpy(issuer->digest, digest, sizeof digest);
    issuer->known = true;
    return same;
}

static bool use_keys(ChIssuer *issuer, const GString *text, char **why)
{
    g_autoptr(GError) error = NULL;
    if (is_known(issuer, text))
        return true;
    ChKeySet *keys = ch_key_set_parse(text->str, text->len, &error);
    if (keys == NULL) {
        issuer->known = false;
        *why = g_strdup(error->message);
        return false;
    }
    ch_identity_set_keys(issuer->identity, keys);
    return true;
}

static void free_text(GString *text)
{
    if (text != NULL)
        g_string_free(text, TRUE);
}

bool ch_issuer_fetch(ChIssuer *issuer, char **why)
{
    GString *document = get(issuer, issuer->discovery_url, why);
    g_autofree char *url = document == NULL ? NULL : keys_url_in(issuer, document, why);
    free_text(document);
    if (url == NULL)
        return false;
    GString *keys = get(issuer, url, why);
    bool used = keys != NULL && use_keys(issuer, keys, why);
    free_text(keys);
    return used;
}
