/* Money as whole ten-thousandths. */
#include "chassis/core/decimal.h"

#include <stddef.h>

enum {
    DECIMALS = 4,
    INT64_DIGITS = 19,        /* more zeros than this after a digit never fit */
    EXPONENT_LIMIT = 1000000, /* far beyond what fits; keeps the arithmetic below small */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of a number without its point: mantissa * 10^power. Zeros at the end count as power,
 * so that 1.50000 has one decimal, not five. */
typedef struct {
    uint64_t mantissa;
    int64_t power;
} Digits;

static bool multiply_by_ten_to(uint64_t *number, int64_t power)
{
    if (power > INT64_DIGITS)
        return false;
    for (; power > 0; power--) {
        if (__builtin_mul_overflow(*number, UINT64_C(10), number))
            return false;
    }
    return true;
}

static bool push_digit(Digits *digits, unsigned int digit)
{
    if (digit == 0) {
        digits->power += digits->mantissa == 0 ? 0 : 1;
        return true;
    }
    if (digits->mantissa != 0 && !multiply_by_ten_to(&digits->mantissa, digits->power + 1))
        return false;
    digits->power = 0;
    return !__builtin_add_overflow(digits->mantissa, digit, &digits->mantissa);
}

/* Reads digits from *text on; false when there is none or they don't fit. */
static bool read_digits(const char **text, Digits *digits, int64_t *count)
{
    const char *start = *text;
    while (is_digit(**text)) {
        if (!push_digit(digits, (unsigned int)(**text - '0')))
            return false;
        (*text)++;
    }
    *count = *text - start;
    return *count > 0;
}

/* Reads what follows the e of 1e2. */
static bool read_exponent(const char **text, int64_t *exponent)
{
    bool negative = **text == '-';
    if (**text == '-' || **text == '+')
        (*text)++;
    if (!is_digit(**text))
        return false;
    int64_t number = 0;
    for (; is_digit(**text); (*text)++) {
        if (number < EXPONENT_LIMIT)
            number = number * 10 + (**text - '0');
    }
    *exponent = negative ? -number : number;
    return true;
}

/* The number after its sign, to the end of @text. */
static bool read_number(const char *text, Digits *digits)
{
    int64_t whole = 0;
    bool leading_zero = *text == '0';
    if (!read_digits(&text, digits, &whole) || (leading_zero && whole > 1))
        return false;
    int64_t decimals = 0;
    if (*text == '.') {
        text++;
        if (!read_digits(&text, digits, &decimals))
            return false;
    }
    int64_t exponent = 0;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (!read_exponent(&text, &exponent))
            return false;
    }
    digits->power += exponent - decimals;
    return *text == '\0';
}

bool ch_decimal_parse(const char *text, ChDecimal *value)
{
    bool negative = *text == '-';
    Digits digits = { 0, 0 };
    if (!read_number(negative ? text + 1 : text, &digits))
        return false;
    uint64_t amount = digits.mantissa;
    if (amount != 0 && (digits.power < -DECIMALS || /* the last digit is no zero: too exact */
                        !multiply_by_ten_to(&amount, digits.power + DECIMALS)))
        return false;
    if (amount > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *value = (ChDecimal)(negative ? 0 - amount : amount);
    return true;
}

void ch_decimal_format(ChDecimal value, char text[CH_DECIMAL_TEXT_BYTES])
{
    ch_decimal_format_with(value, 0, text);
}

void ch_decimal_format_with(ChDecimal value, int min_decimals, char text[CH_DECIMAL_TEXT_BYTES])
{
    uint64_t amount = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char reversed[CH_DECIMAL_TEXT_BYTES];
    size_t n = 0;
    uint64_t decimals = amount % CH_DECIMAL_ONE;
    for (int i = 0; i < DECIMALS; i++, decimals /= 10) {
        if (n > 0 || decimals % 10 != 0 || DECIMALS - i <= min_decimals)
            reversed[n++] = (char)('0' + decimals % 10);
    }
    if (n > 0)
        reversed[n++] = '.';
    uint64_t whole = amount / CH_DECIMAL_ONE;
    do {
        reversed[n++] = (char)('0' + whole % 10);
        whole /= 10;
    } while (whole > 0);
    if (value < 0)
        reversed[n++] = '-';
    for (size_t i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    text[n] = '\0';
}

bool ch_decimal_multiply(ChDecimal unit_price, int64_t quantity, ChDecimal *product)
{
    ChDecimal result = 0;
    if (__builtin_mul_overflow(unit_price, quantity, &result))
        return false;
    *product = result;
    return true;
}

bool ch_decimal_add(ChDecimal a, ChDecimal b, ChDecimal *sum)
{
    ChDecimal result = 0;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *sum = result;
    return true;
}
