/* What makes a subscription. */
#include "notification/application/subscriptions.h"

#include "chassis/core/random.h"

#include <string.h>

#define SECRET_PREFIX "whsec_"
#define URL_PREFIX "https://"
#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum {
    NEW_SECRET_BYTES = 32,
    MAX_HOST_CHARS = 253, /* of a name */
    MAX_PORT_DIGITS = 5,
};

void notification_subscription_free(void *opaque)
{
    NotificationSubscription *subscription = opaque;
    if (subscription == NULL)
        return;
    g_free(subscription->url);
    g_free(subscription->secret);
    g_free(subscription->disabled_reason);
    g_free(subscription->last_error);
    g_free(subscription);
}

void notification_webhook_entry_free(void *opaque)
{
    NotificationWebhookEntry *entry = opaque;
    if (entry == NULL)
        return;
    g_free(entry->error);
    g_free(entry->trace_id);
    g_free(entry);
}

/* ---- addresses ---- */

static bool is_host(const char *text, size_t n)
{
    return n > 0 && n <= MAX_HOST_CHARS && g_ascii_isalnum(text[0]) && g_ascii_isalnum(text[n - 1]);
}

/* *rest: behind a port, when there is one. */
static bool skip_port(const char **rest)
{
    if (**rest != ':')
        return true;
    const char *digits = *rest + 1;
    size_t n = strspn(digits, DIGITS);
    *rest = digits + n;
    return n > 0 && n <= MAX_PORT_DIGITS && *digits != '0' &&
           g_ascii_strtoll(digits, NULL, 10) <= G_MAXUINT16;
}

/* https, a name or an IPv4 address, maybe a port, then a path or query of visible ASCII without a
 * fragment. No user and password: what is shown of a subscription holds no secret. */
static bool is_url(const char *url)
{
    if (!g_str_has_prefix(url, URL_PREFIX))
        return false;
    const char *host = url + strlen(URL_PREFIX);
    size_t n = strspn(host, LETTERS DIGITS ".-");
    const char *rest = host + n;
    if (!is_host(host, n) || !skip_port(&rest) || (*rest != '\0' && *rest != '/' && *rest != '?'))
        return false;
    while (g_ascii_isgraph(*rest) && *rest != '#')
        rest++;
    return *rest == '\0';
}

/* ---- secrets ---- */

char *notification_secret_new(void)
{
    uint8_t bytes[NEW_SECRET_BYTES];
    ch_random_fill(bytes, sizeof bytes);
    g_autofree char *text = g_base64_encode(bytes, sizeof bytes);
    return g_strconcat(SECRET_PREFIX, text, NULL);
}

uint8_t *notification_secret_bytes(const char *text, size_t *n)
{
    if (!g_str_has_prefix(text, SECRET_PREFIX))
        return NULL;
    const char *base64 = text + strlen(SECRET_PREFIX);
    g_autofree uint8_t *bytes = g_base64_decode(base64, n);
    g_autofree char *again = g_base64_encode(bytes, *n); /* GLib passes over what is no base64 */
    if (strcmp(base64, again) != 0 || *n < NOTIFICATION_MIN_SECRET_BYTES ||
        *n > NOTIFICATION_MAX_SECRET_BYTES)
        return NULL;
    return g_steal_pointer(&bytes);
}

void notification_subscription_check(const NotificationSubscription *subscription,
                                     ChViolations *violations)
{
    if (subscription->url != NULL && !is_url(subscription->url))
        ch_violations_add(violations, "url",
                          "must be an https URL without user, password and fragment");
    size_t n = 0;
    g_autofree uint8_t *bytes =
        subscription->secret != NULL ? notification_secret_bytes(subscription->secret, &n) : NULL;
    if (subscription->secret != NULL && bytes == NULL)
        ch_violations_add(
            violations, "secret",
            "must be whsec_ and 24 to 64 bytes as base64, or absent: then one is made");
}
