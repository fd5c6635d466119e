/* Looking at settings. */
#include "chassis/runtime/start_settings.h"

#include "chassis/core/url.h"
#include "chassis/http/certificate_end.h"
#include "chassis/json/json_read.h"
#include "chassis/runtime/start_warning.h"

#include <string.h>

/* Those of .env.example, and what is tried first. */
static const char *const known_to_all[] = {
    "guest",          "admin",           "password",    "postgres",    "rabbitmq",
    "secret",         "changeme",        "order-local", "stock-local", "notification-local",
    "postgres-local", "cartwheel-local",
};

/* A setting that is a text, and not empty. */
typedef struct {
    const char *name, *value;
} Setting;

static bool is_known(const char *secret)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_to_all); i++) {
        if (strcmp(secret, known_to_all[i]) == 0)
            return true;
    }
    return false;
}

/* A path is a socket. */
static bool is_here(const char *host)
{
    return host == NULL || *host == '\0' || *host == '/' || strcmp(host, "localhost") == 0 ||
           strcmp(host, "::1") == 0 || g_str_has_prefix(host, "127.");
}

/* ---- URLs ---- */

/* libpq's own variable applies where the URL says nothing. */
static bool takes_plain_text(GUri *url)
{
    static const char *const safe[] = { "require", "verify-ca", "verify-full" };
    const char *query = g_uri_get_query(url);
    g_autoptr(GHashTable) options =
        query == NULL ? NULL : g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, NULL);
    const char *mode = options == NULL ? NULL : g_hash_table_lookup(options, "sslmode");
    if (mode == NULL)
        mode = g_getenv("PGSSLMODE");
    for (size_t i = 0; i < G_N_ELEMENTS(safe); i++) {
        if (mode != NULL && strcmp(mode, safe[i]) == 0)
            return false;
    }
    return true;
}

/* Mail with a login goes over TLS or not at all (chassis/client/mail.c). */
static bool has_login(const char *url)
{
    const char *username = g_getenv("SMTP_USERNAME");
    return (username != NULL && *username != '\0') || ch_url_has_login(url);
}

/* The host is not told: a secret is never printed. */
static void check_way(const Setting *setting, GUri *url)
{
    const char *scheme = g_uri_get_scheme(url);
    const char *host = g_uri_get_host(url);
    bool postgres = g_str_has_prefix(scheme, "postgres");
    bool plain = strcmp(scheme, "amqp") == 0 || strcmp(scheme, "http") == 0 ||
                 (strcmp(scheme, "smtp") == 0 && !has_login(setting->value));
    if (is_here(host))
        return;
    if (postgres && takes_plain_text(url))
        ch_start_warn(CH_START_PLAIN_TEXT,
                      "%s leads to another machine, with no sslmode that refuses plain text",
                      setting->name);
    else if (plain)
        ch_start_warn(CH_START_PLAIN_TEXT, "%s leads to another machine by %s://, plain text",
                      setting->name, scheme);
}

static void check_url(const Setting *setting)
{
    g_autoptr(GUri) url =
        g_uri_parse(setting->value, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_PARSE_RELAXED, NULL);
    if (url == NULL)
        return;
    const char *password = g_uri_get_password(url);
    if (password != NULL && is_known(password))
        ch_start_warn(CH_START_PASSWORDS, "the password in %s is one that everybody knows",
                      setting->name);
    check_way(setting, url);
}

/* ---- files ---- */

/* What is not there is told by who needs it. */
static void check_certificate(const Setting *setting, bool trusted)
{
    int64_t until_s;
    g_autofree char *what =
        g_strdup_printf("the certificate of %s, %s,", setting->name, setting->value);
    if (ch_http_certificate_end(setting->value, trusted, &until_s, NULL))
        ch_start_warn_of_end(CH_START_EXPIRY_FILES, what, until_s);
}

/* A key ends when it says so, or with the certificate that it comes with. */
static void check_key(ChJsonValue key)
{
    g_autoptr(ChViolations) unheeded = ch_violations_new();
    int64_t until_s;
    const char *id = ch_json_text(ch_json_member(key, "kid"), NULL);
    const char *certificate = ch_json_text(ch_json_first(ch_json_member(key, "x5c")), NULL);
    g_autofree char *what =
        g_strdup_printf("the issuer's key %s", id == NULL ? "without a name" : id);
    if (ch_json_read_integer(key, "exp", CH_JSON_OPTIONAL, 0, G_MAXINT32, &until_s, unheeded) ||
        (certificate != NULL && ch_http_certificate_end_of(certificate, &until_s, NULL)))
        ch_start_warn_of_end(CH_START_EXPIRY_KEYS, what, until_s);
}

static void check_keys(const Setting *setting)
{
    g_autofree char *text = NULL;
    gsize bytes = 0;
    if (!g_file_get_contents(setting->value, &text, &bytes, NULL))
        return;
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, NULL);
    if (json == NULL)
        return;
    ChJsonValue keys = ch_json_member(ch_json_root(json), "keys");
    for (ChJsonValue key = ch_json_first(keys); ch_json_is_set(key); key = ch_json_next(key))
        check_key(key);
}

/* ---- all ---- */

static void check(const Setting *setting)
{
    const char *name = setting->name;
    if (g_str_has_suffix(name, "_URL"))
        check_url(setting);
    else if (g_str_has_suffix(name, "_CERT_FILE"))
        check_certificate(setting, false);
    else if (g_str_has_suffix(name, "_CA_FILE"))
        check_certificate(setting, true);
    else if (strcmp(name, "AUTH_JWKS_FILE") == 0)
        check_keys(setting);
    else if ((g_str_has_suffix(name, "_PASSWORD") || g_str_has_suffix(name, "_TOKEN")) &&
             is_known(setting->value))
        ch_start_warn(CH_START_PASSWORDS, "%s is one that everybody knows", name);
}

void ch_start_check_settings(const ChConfigKey *keys, size_t n, const void *config)
{
    for (size_t i = 0; i < n; i++) {
        if (keys[i].kind != CH_CONFIG_TEXT && keys[i].kind != CH_CONFIG_SECRET &&
            keys[i].kind != CH_CONFIG_URL)
            continue;
        char *const *field = (const void *)((const char *)config + keys[i].offset);
        const Setting setting = { keys[i].name, *field };
        if (setting.value != NULL && *setting.value != '\0')
            check(&setting);
    }
}
