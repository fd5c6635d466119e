/* Percent-decoding. */
#include "chassis/http/percent.h"

#include <glib.h>

/* The byte that the three characters at @text stand for; -1 when they are no escape. */
static int escaped_byte(const char *text, size_t bytes)
{
    if (bytes < 3)
        return -1;
    int high = g_ascii_xdigit_value(text[1]);
    int low = g_ascii_xdigit_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool ch_percent_decode(const char *text, size_t bytes, bool plus_is_space, char *decoded,
                       size_t *decoded_bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            c = escaped_byte(text + i, bytes - i);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7F)
            return false;
        decoded[n++] = (char)c;
    }
    decoded[n] = '\0';
    if (decoded_bytes != NULL)
        *decoded_bytes = n;
    return g_utf8_validate_len(decoded, n, NULL);
}
