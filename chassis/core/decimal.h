/* Money: fixed point with 4 decimals in an int64_t, never a float. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    CH_DECIMAL_ONE = 10000,     /* 1.0000 */
    CH_DECIMAL_TEXT_BYTES = 24, /* sign, 15 digits, point, 4 digits, zero; rounded up */
};

/** An amount in ten-thousandths of its unit: 12.5 is 125000. */
typedef int64_t ChDecimal;

/** Reads `digits[.digits]` with an optional minus sign and an optional exponent, as JSON writes
 * numbers, at most 4 significant decimals. False when @text is anything else or does not fit;
 * *value is then untouched. */
bool ch_decimal_parse(const char *text, ChDecimal *value);

/** Writes the shortest exact form: 12.5, 3, -0.0001. */
void ch_decimal_format(ChDecimal value, char text[CH_DECIMAL_TEXT_BYTES]);

/** The same with @min_decimals at least, 0 to 4: 12.50, 3.00 with 2. */
void ch_decimal_format_with(ChDecimal value, int min_decimals, char text[CH_DECIMAL_TEXT_BYTES]);

/** *product = unit_price * quantity; false on overflow. */
bool ch_decimal_multiply(ChDecimal unit_price, int64_t quantity, ChDecimal *product);

/** *sum = a + b; false on overflow. */
bool ch_decimal_add(ChDecimal a, ChDecimal b, ChDecimal *sum);
