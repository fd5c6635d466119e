/* Percent-decoding (RFC 3986), strict. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Decodes @bytes bytes of @text into @decoded, which has room for bytes + 1 and may be @text
 * itself, and ends it with a zero byte. @plus_is_space: in queries. False: a percent sign without
 * two hexadecimal digits, a decoded control character (zero among them), or not UTF-8.
 * *decoded_bytes may be NULL. */
bool ch_percent_decode(const char *text, size_t bytes, bool plus_is_space, char *decoded,
                       size_t *decoded_bytes);
