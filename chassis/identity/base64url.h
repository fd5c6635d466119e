/* base64url without padding (RFC 4648, section 5; RFC 7515, appendix C). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decodes @n characters into @bytes, which has room for n * 3 / 4 of them; *bytes_n tells how many
 * they are. False: not base64url, or not in its one canonical spelling. */
bool ch_base64url_decode(const char *text, size_t n, uint8_t *bytes, size_t *bytes_n);
