/* Checking and masking URLs. */
#include "chassis/core/url.h"

#include <glib.h>
#include <string.h>

/* Behind the scheme: user, password, host and port. NULL: there is none. */
static const char *authority_of(const char *url, size_t *bytes)
{
    const char *scheme_end = strstr(url, "://");
    if (scheme_end == NULL)
        return NULL;
    const char *authority = scheme_end + strlen("://");
    *bytes = strcspn(authority, "/?#");
    return authority;
}

bool ch_url_valid(const char *url)
{
    size_t bytes = 0;
    const char *authority = authority_of(url, &bytes);
    const char *at = strchr(url, '@');
    if (authority == NULL || (at != NULL && (at < authority || at >= authority + bytes)) ||
        at != strrchr(url, '@'))
        return false;
    g_autofree char *host = NULL;
    return g_uri_split(url, G_URI_FLAGS_NONE, NULL, NULL, &host, NULL, NULL, NULL, NULL, NULL) &&
           host != NULL && *host != '\0';
}

bool ch_url_has_login(const char *url)
{
    return strchr(url, '@') != NULL;
}

char *ch_url_masked(const char *url)
{
    size_t bytes = 0;
    const char *authority = authority_of(url, &bytes);
    if (authority == NULL)
        return g_strdup("");
    const char *at = strchr(url, '@');
    const char *host = at != NULL ? at + 1 : authority;
    size_t shown = strcspn(host, "?#");
    g_autofree char *rest = g_strndup(host, shown);
    return g_strdup_printf("%.*s%s%s%s", (int)(authority - url), url, at != NULL ? "***@" : "",
                           rest, host[shown] != '\0' ? "?***" : "");
}
