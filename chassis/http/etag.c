/* Entity tags. */
#include "chassis/http/etag.h"

#include <glib.h>
#include <string.h>

enum {
    ETAG_BYTES = 24, /* two quotes, a sign, 19 digits, a zero; rounded up */
    NO_VERSION = -1,
};

/* A strong tag as we write them. */
static bool read_tag(const char *tag, int64_t *version)
{
    char digits[ETAG_BYTES];
    size_t n = strlen(tag);
    guint64 number;
    if (n < 3 || n > ETAG_BYTES || tag[0] != '"' || tag[n - 1] != '"')
        return false;
    memcpy(digits, tag + 1, n - 2);
    digits[n - 2] = '\0';
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64, &number, NULL))
        return false;
    *version = (int64_t)number;
    return true;
}

ChExpected ch_http_if_match(const ChHttpRequest *request)
{
    ChExpected expected = { .n = 0 };
    const char *header = ch_http_request_header(request, "If-Match");
    if (header == NULL || strcmp(header, "*") == 0)
        return expected;
    g_auto(GStrv) tags = g_strsplit(header, ",", -1);
    for (char **tag = tags; *tag != NULL && expected.n < CH_EXPECTED_MAX; tag++)
        expected.n += read_tag(g_strstrip(*tag), &expected.versions[expected.n]);
    if (expected.n == 0)
        expected.versions[expected.n++] = NO_VERSION;
    return expected;
}

bool ch_http_if_none_match(const ChHttpRequest *request, const char *etag)
{
    const char *header = ch_http_request_header(request, "If-None-Match");
    if (header == NULL)
        return false;
    g_auto(GStrv) tags = g_strsplit(header, ",", -1);
    for (char **at = tags; *at != NULL; at++) {
        const char *tag = g_strstrip(*at);
        if (strcmp(tag, "*") == 0)
            return true;
        if (g_str_has_prefix(tag, "W/"))
            tag += 2;
        if (strcmp(tag, etag) == 0)
            return true;
    }
    return false;
}

/* Whether the client only wants to know if what it has is the newest. */
static bool is_read(const ChHttpRequest *request)
{
    const char *method = ch_http_request_method(request);
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

void ch_http_respond_etag(ChHttpRequest *request, int64_t version)
{
    char etag[ETAG_BYTES];
    g_snprintf(etag, sizeof etag, "\"%" G_GINT64_FORMAT "\"", version);
    if (is_read(request) && ch_http_if_none_match(request, etag))
        ch_http_respond_empty(request, 304);
    ch_http_respond_header(request, "ETag", etag);
}
