/* Headers for browsers. */
#include "chassis/http/browsers.h"

#include "chassis/http/request.h"

#include <string.h>

enum {
    MAX_ORIGINS = 32,
};

/* What a page may send, and what of an answer it may see, besides what Fetch allows to all. */
#define MAY_SEND                                                                                   \
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, traceparent,"  \
    " X-Reason"
#define MAY_SEE                                                                                    \
    "Allow, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, " \
    "WWW-Authenticate"
#define PREFLIGHT_S "600"                   /* for so long a browser need not ask again */
#define STRICT_TRANSPORT "max-age=31536000" /* RFC 6797: for a year by TLS alone to this host */

struct ChHttpOrigins {
    char **origins; /* n, ended by NULL */
    size_t n;
};

/* ---- the setting ---- */

/* As a browser writes one: in lower case, without path and without a slash at its end. */
static bool is_origin(const char *text)
{
    static const char of_hosts[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    const char *host = strstr(text, "://");
    if (!g_str_has_prefix(text, "https://") && !g_str_has_prefix(text, "http://"))
        return false;
    host += strlen("://");
    return *host != '\0' && host[strspn(host, of_hosts)] == '\0';
}

ChHttpOrigins *ch_http_origins_new(const char *text, GError **error)
{
    g_autoptr(ChHttpOrigins) origins = g_new0(ChHttpOrigins, 1);
    origins->origins = g_strsplit(text, ",", -1);
    for (size_t i = 0; *text != '\0' && origins->origins[i] != NULL; i++) {
        const char *origin = g_strstrip(origins->origins[i]);
        if (i == MAX_ORIGINS || !is_origin(origin)) {
            g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                        "CORS_ORIGINS: \"%s\" is no origin: expected at most %d, as "
                        "https://shop.example, http://localhost:3000",
                        origin, MAX_ORIGINS);
            return NULL;
        }
        origins->n++;
    }
    return g_steal_pointer(&origins);
}

void ch_http_origins_free(ChHttpOrigins *origins)
{
    if (origins == NULL)
        return;
    g_strfreev(origins->origins);
    g_free(origins);
}

static bool is_named(const ChHttpOrigins *origins, const char *origin)
{
    return origins != NULL && origins->n > 0 && origin != NULL &&
           g_strv_contains((const char *const *)origins->origins, origin);
}

/* ---- who asks ---- */

/* Whether it reads only, whoever asks (RFC 9110, section 9.2.1). */
static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

/* "https://shop.example:8443" is that of Host "shop.example:8443", whoever ends TLS before us. */
static bool is_own(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");
    return authority != NULL && host != NULL &&
           g_ascii_strcasecmp(authority + strlen("://"), host) == 0;
}

bool ch_http_browsers_sent_for_others(const ChHttpOrigins *origins, const ChHttpRequest *request)
{
    const char *site = ch_http_request_header(request, "Sec-Fetch-Site");
    const char *origin = ch_http_request_header(request, "Origin");
    if (is_safe(request->method) || is_named(origins, origin))
        return false;
    if (site != NULL) /* "none": somebody typed it in */
        return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    return origin != NULL && !is_own(origin, ch_http_request_header(request, "Host"));
}

/* ---- what is told ---- */

static const char *header_of(const ChHttpAnswer *answer, const char *name)
{
    for (size_t i = 0; i < answer->headers_n; i++) {
        if (g_ascii_strcasecmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    }
    return NULL;
}

/* Only what a browser gets by GET does it show as a page or keep; POST is spared the bytes. What
 * has a tag may be kept by who got it, and is asked for again each time. */
static void tell_readers(const ChHttpAnswer *answer, ChHttpWriteHeader write_header, void *response)
{
    write_header(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (header_of(answer, "Cache-Control") == NULL)
        write_header(response, "Cache-Control",
                     header_of(answer, "ETag") == NULL ? "no-store" : "private, no-cache");
}

/* Which methods there are is said by the answer to every OPTIONS. */
static void tell_preflight(const ChHttpAnswer *answer, ChHttpWriteHeader write_header,
                           void *response)
{
    const char *methods = header_of(answer, "Allow");
    if (methods != NULL)
        write_header(response, "Access-Control-Allow-Methods", methods);
    write_header(response, "Access-Control-Allow-Headers", MAY_SEND);
    write_header(response, "Access-Control-Max-Age", PREFLIGHT_S);
}

/* Vary also where the origin is none of ours: a cache must not hand that answer to one that is. */
static void tell_origin(const ChHttpOrigins *origins, const ChHttpRequest *request,
                        const ChHttpAnswer *answer, ChHttpWriteHeader write_header, void *response)
{
    const char *origin = ch_http_request_header(request, "Origin");
    write_header(response, "Vary", "Origin");
    if (!is_named(origins, origin))
        return;
    write_header(response, "Access-Control-Allow-Origin", origin);
    if (strcmp(request->method, "OPTIONS") == 0 &&
        ch_http_request_header(request, "Access-Control-Request-Method") != NULL)
        tell_preflight(answer, write_header, response);
    else
        write_header(response, "Access-Control-Expose-Headers", MAY_SEE);
}

void ch_http_browsers_tell(const ChHttpOrigins *origins, bool tls, const ChHttpRequest *request,
                           const ChHttpAnswer *answer, ChHttpWriteHeader write_header,
                           void *response)
{
    write_header(response, "X-Content-Type-Options", "nosniff");
    if (tls)
        write_header(response, "Strict-Transport-Security", STRICT_TRANSPORT);
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        tell_readers(answer, write_header, response);
    if (origins != NULL && origins->n > 0)
        tell_origin(origins, request, answer, write_header, response);
}
