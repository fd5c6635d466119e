/* Hexadecimal digits of ids. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Writes 2 * @n lower-case digits, without a final zero. */
void ch_hex_write(const uint8_t *bytes, size_t n, char *digits);

/** Reads 2 * @n digits of either case. False when one is none; @bytes may then be half written. */
bool ch_hex_read(const char *digits, uint8_t *bytes, size_t n);
