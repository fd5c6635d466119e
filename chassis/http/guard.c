/* Strictness about request heads. */
#include "chassis/http/guard.h"

#include <glib.h>
#include <string.h>

static bool is_named(const char *name, size_t bytes, const char *expected)
{
    return bytes == strlen(expected) && g_ascii_strncasecmp(name, expected, bytes) == 0;
}

/* RFC 9110 section 5.6.2; a space before the colon shows up as part of the name. */
static bool is_token(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (!g_ascii_isalnum(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return bytes > 0;
}

static bool is_field_value(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

/* RFC 3986 section 3.2 without user information: a name or an address, and a port. Empty is legal.
 */
static bool is_host(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (!g_ascii_isalnum(c) && (c == '\0' || strchr("-._~!$&'()*+,;=%:[]", c) == NULL))
            return false;
    }
    return true;
}

static void read_length(ChHttpGuard *guard, const char *value, size_t bytes)
{
    guard->lengths++;
    int64_t length = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (!g_ascii_isdigit(value[i])) {
            guard->bad_length = true;
            return;
        }
        if (length > (INT64_MAX - 9) / 10)
            length = INT64_MAX;
        else
            length = length * 10 + (value[i] - '0');
    }
    guard->bad_length = guard->bad_length || bytes == 0;
    guard->content_length = length;
}

size_t ch_http_guard_trim(const char *value, size_t value_bytes)
{
    while (value_bytes > 0 && (value[value_bytes - 1] == ' ' || value[value_bytes - 1] == '\t'))
        value_bytes--;
    return value_bytes;
}

static void count_named(ChHttpGuard *guard, const char *name, size_t name_bytes)
{
    guard->keys += is_named(name, name_bytes, "Idempotency-Key");
    guard->types += is_named(name, name_bytes, "Content-Type");
    guard->credentials += is_named(name, name_bytes, "Authorization");
    guard->accepts += is_named(name, name_bytes, "Accept");
    guard->pages += is_named(name, name_bytes, "Origin");
    guard->pages += is_named(name, name_bytes, "Sec-Fetch-Site");
}

void ch_http_guard_header(ChHttpGuard *guard, const char *name, size_t name_bytes,
                          const char *value, size_t value_bytes)
{
    if (!is_token(name, name_bytes))
        guard->bad_name = true;
    if (!is_field_value(value, value_bytes))
        guard->bad_value = true;
    if (is_named(name, name_bytes, "Host")) {
        guard->hosts++;
        guard->bad_host = guard->bad_host || !is_host(value, value_bytes);
    } else if (is_named(name, name_bytes, "Content-Length")) {
        read_length(guard, value, value_bytes);
    } else if (is_named(name, name_bytes, "Transfer-Encoding")) {
        guard->encodings++;
        guard->bad_encoding = guard->bad_encoding || !is_named(value, value_bytes, "chunked");
    } else {
        count_named(guard, name, name_bytes);
    }
}

const char *ch_http_guard_verdict(const ChHttpGuard *guard, const char *version)
{
    bool is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    const struct {
        bool found;
        const char *fault;
    } checks[] = {
        { !is_1_1 && strcmp(version, "HTTP/1.0") != 0,
          "Only HTTP/1.1 and HTTP/1.0 are spoken here." },
        { guard->bad_line, "A line of the head does not end as it should: with CR LF, and alone." },
        { guard->bad_name, "A header's name is malformed." },
        { guard->bad_value, "A header's value holds a control character." },
        { is_1_1 && guard->hosts == 0, "The Host header is missing." },
        { guard->hosts > 1, "More than one Host header." },
        { guard->bad_host, "The Host header is malformed." },
        { guard->lengths > 1, "More than one Content-Length header." },
        { guard->bad_length, "The Content-Length is not a number." },
        { guard->encodings > 1, "More than one Transfer-Encoding header." },
        { guard->encodings > 0 && guard->lengths > 0,
          "Both Content-Length and Transfer-Encoding." },
        { guard->encodings > 0 && !is_1_1, "Transfer-Encoding in an HTTP/1.0 request." },
        { guard->keys > 1, "More than one Idempotency-Key header." },
        { guard->types > 1, "More than one Content-Type header." },
        { guard->credentials > 1, "More than one Authorization header." },
        { guard->bad_encoding, "Only the transfer encoding chunked is known here." },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        if (checks[i].found)
            return checks[i].fault;
    }
    return NULL;
}
