/* One POST, and the clock. */
#include "chassis/client/credentials.h"

#include "chassis/client/client.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/json/json_read.h"

#include <string.h>

enum {
    TRY_MS = 1000,
    RETRIES = 1,
    MAX_ANSWER_BYTES = 32 * 1024,
    MAX_TOKEN_CHARS = 8 * 1024, /* what servers take in a header */
    DEFAULT_SECONDS = 300,
    MAX_SECONDS = 24 * 60 * 60, /* whatever the endpoint says */
    RENEWED_AT_PERCENT = 80,    /* of its life: the rest is for an endpoint that is away */
};

struct ChCredentials {
    ChHttpClient *client;
    char *token_url;
    char *authorization; /* a header: Basic, section 2.3.1 */
    char *body;
    char *header;     /* Bearer; NULL: there is no token */
    int64_t renew_us; /* monotonic, as the next */
    int64_t until_us;
    bool away; /* logged */
};

/* ---- the answer ---- */

/* RFC 6750, section 2.1: what may stand behind Bearer. */
static bool is_token(const char *text)
{
    static const char may[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    return text[strspn(text, may)] == '\0';
}

bool ch_credentials_read(const char *text, size_t bytes, char **token, int64_t *seconds)
{
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, NULL);
    g_autoptr(ChViolations) violations = ch_violations_new();
    const char *given = NULL;
    const char *type = NULL;
    int64_t good_for_s = DEFAULT_SECONDS;
    if (json == NULL || !ch_json_expect_object(ch_json_root(json), violations))
        return false;
    ChJsonValue root = ch_json_root(json);
    ch_json_read_text(root, "access_token", CH_JSON_REQUIRED, 1, MAX_TOKEN_CHARS, &given,
                      violations);
    ch_json_read_text(root, "token_type", CH_JSON_REQUIRED, 1, MAX_TOKEN_CHARS, &type, violations);
    ch_json_read_integer(root, "expires_in", CH_JSON_OPTIONAL, 1, INT64_MAX, &good_for_s,
                         violations);
    if (ch_violations_count(violations) > 0 || !is_token(given) ||
        g_ascii_strcasecmp(type, "Bearer") != 0)
        return false;
    *token = g_strdup(given);
    *seconds = MIN(good_for_s, MAX_SECONDS);
    return true;
}

/* ---- getting one ---- */

static void use(ChCredentials *credentials, const char *token, int64_t seconds, int64_t now_us)
{
    ch_credentials_forget(credentials);
    credentials->header = g_strconcat("Authorization: Bearer ", token, NULL);
    credentials->until_us = now_us + seconds * G_USEC_PER_SEC;
    credentials->renew_us = now_us + seconds * G_USEC_PER_SEC * RENEWED_AT_PERCENT / 100;
}

/* False with *why. @now_us: before the call, for a token's life begins there. */
static bool fetch(ChCredentials *credentials, int64_t now_us, char **why)
{
    const char *const headers[] = { credentials->authorization, "Accept: application/json",
                                    "Content-Type: application/x-www-form-urlencoded", NULL };
    ChHttpCall call = { .method = "POST",
                        .url = credentials->token_url,
                        .headers = headers,
                        .body = credentials->body,
                        .body_bytes = strlen(credentials->body) };
    g_autofree char *token = NULL;
    int64_t seconds = 0;
    ch_http_client_fetch(credentials->client, &call, 1);
    if (call.outcome != CH_HTTP_OK)
        *why = g_strdup_printf("the token endpoint gives none: %s", call.fault);
    else if (!ch_credentials_read(call.answer->str, call.answer->len, &token, &seconds))
        *why = g_strdup("the token endpoint gives none: its answer holds no token");
    else
        use(credentials, token, seconds, now_us);
    ch_http_call_clear(&call);
    return token != NULL;
}

/* The outage of the endpoint is one line, and so is its end. */
static void note(ChCredentials *credentials, bool got, const char *why)
{
    if (!got && !credentials->away)
        ch_log_warning("no new access token: the old one serves until it ends", CH_STR("why", why));
    else if (got && credentials->away)
        ch_log_info("the token endpoint works again");
    credentials->away = !got;
}

const char *ch_credentials_header(ChCredentials *credentials, char **why)
{
    g_autofree char *fault = NULL;
    int64_t now_us = ch_time_monotonic_us();
    if (credentials->header != NULL && now_us < credentials->renew_us)
        return credentials->header;
    bool got = fetch(credentials, now_us, &fault);
    note(credentials, got, fault);
    if (credentials->header != NULL && ch_time_monotonic_us() < credentials->until_us)
        return credentials->header;
    ch_credentials_forget(credentials);
    *why = fault != NULL ? g_steal_pointer(&fault) : g_strdup("the token has ended at once");
    return NULL;
}

void ch_credentials_forget(ChCredentials *credentials)
{
    if (credentials->header != NULL)
        explicit_bzero(credentials->header, strlen(credentials->header));
    g_clear_pointer(&credentials->header, g_free);
}

/* ---- life ---- */

/* Id and secret are encoded as in a form, and then put together (section 2.3.1). */
static char *basic(const ChCredentialsConfig *config)
{
    g_autofree char *id = g_uri_escape_string(config->client_id, NULL, false);
    g_autofree char *secret = g_uri_escape_string(config->client_secret, NULL, false);
    g_autofree char *both = g_strdup_printf("%s:%s", id, secret);
    g_autofree char *encoded = g_base64_encode((const guchar *)both, strlen(both));
    return g_strconcat("Authorization: Basic ", encoded, NULL);
}

static char *form(const ChCredentialsConfig *config)
{
    if (*config->scope == '\0')
        return g_strdup("grant_type=client_credentials");
    g_autofree char *scope = g_uri_escape_string(config->scope, NULL, false);
    return g_strconcat("grant_type=client_credentials&scope=", scope, NULL);
}

ChCredentials *ch_credentials_new(const ChCredentialsConfig *config)
{
    const ChHttpClientConfig client = {
        .name = config->name,
        .timeout_ms = TRY_MS,
        .retries = RETRIES,
        .total_budget_ms = CH_CREDENTIALS_BUDGET_MS,
        .max_answer_bytes = MAX_ANSWER_BYTES,
        .max_concurrent = 1,
        .protocols = "https",
        .ca_file = config->ca_file,
    };
    ChCredentials *credentials = g_new0(ChCredentials, 1);
    credentials->client = ch_http_client_new(&client);
    credentials->token_url = g_strdup(config->token_url);
    credentials->authorization = basic(config);
    credentials->body = form(config);
    return credentials;
}

void ch_credentials_free(ChCredentials *credentials)
{
    if (credentials == NULL)
        return;
    ch_credentials_forget(credentials);
    ch_http_client_free(credentials->client);
    explicit_bzero(credentials->authorization, strlen(credentials->authorization));
    g_free(credentials->authorization);
    g_free(credentials->token_url);
    g_free(credentials->body);
    g_free(credentials);
}
