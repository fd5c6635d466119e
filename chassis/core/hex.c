/* Hexadecimal digits, both ways. */
#include "chassis/core/hex.h"

void ch_hex_write(const uint8_t *bytes, size_t n, char *digits)
{
    static const char alphabet[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        digits[2 * i] = alphabet[bytes[i] >> 4];
        digits[2 * i + 1] = alphabet[bytes[i] & 15];
    }
}

/* 0 to 15, or -1. */
static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool ch_hex_read(const char *digits, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = digit_value(digits[2 * i]);
        int low = high < 0 ? -1 : digit_value(digits[2 * i + 1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}
