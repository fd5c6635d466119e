/* Strict: no padding, no white space, no bits left over. */
#include "chassis/identity/base64url.h"

enum {
    BITS = 6, /* of a character */
};

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

bool ch_base64url_decode(const char *text, size_t n, uint8_t *bytes, size_t *bytes_n)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << BITS | (uint32_t)value;
        held += BITS;
        if (held >= 8) {
            held -= 8;
            bytes[written++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    if (held >= BITS || bits != 0)
        return false;
    *bytes_n = written;
    return true;
}
