/* The reading of request heads that libmicrohttpd 0.9 is too lenient for, 1.0 for some of it: what
 * two parsers could read in two ways (request smuggling, RFC 9112 sections 3.2 and 6) is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zero it before the first header. */
typedef struct {
    unsigned hosts;
    unsigned lengths;
    unsigned encodings;
    unsigned keys;        /* Idempotency-Key */
    unsigned types;       /* Content-Type */
    unsigned credentials; /* Authorization */
    unsigned accepts;     /* Accept: of these there may be several */
    unsigned pages;       /* Origin and Sec-Fetch-Site, by which a browser tells whose page asks */
    bool bad_line;        /* set by who sees the lines: see chassis/http/lines.h */
    bool bad_name;
    bool bad_value;
    bool bad_host;
    bool bad_length;
    bool bad_encoding;
    int64_t content_length; /* INT64_MAX for more than fits */
} ChHttpGuard;

/** The length of a value without the white space behind it, which is no part of it (RFC 9112
 * section 5.1); 0.9 leaves it there. */
size_t ch_http_guard_trim(const char *value, size_t value_bytes);

/** Looks at one header; @value is trimmed. */
void ch_http_guard_header(ChHttpGuard *guard, const char *name, size_t name_bytes,
                          const char *value, size_t value_bytes);

/** After the last one: NULL, or why the request is refused and its connection closed. */
const char *ch_http_guard_verdict(const ChHttpGuard *guard, const char *version);
