/* Currencies: which there are, and with how many digits. */
#include "chassis/core/currency.h"

#include <glib.h>

static void test_digits(void)
{
    static const struct {
        const char *code;
        int digits;
    } cases[] = {
        { "USD", 2 }, { "EUR", 2 }, { "JPY", 0 }, { "KWD", 3 }, { "CLF", 4 },
        { "AED", 2 }, { "ZWG", 2 }, { "XCG", 2 }, { "CHF", 2 }, { "UYW", 4 },
    };
    static const char *const none[] = { "",    "ZZZ", "US",  "USDX", "usd", "Usd", "AAA", "XDR",
                                        "XTS", "XAU", "DEM", "HRK",  "BGN", "ANG", "U$D" };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(ch_currency_digits(cases[i].code), ==, cases[i].digits);
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        g_test_message("%s", none[i]);
        g_assert_cmpint(ch_currency_digits(none[i]), ==, -1);
    }
}

/* Every code of three letters is looked for: one out of its order would not be found. */
static void test_all_are_found(void)
{
    int by_digits[5] = { 0 };
    for (int n = 0; n < 26 * 26 * 26; n++) {
        const char code[] = { (char)('A' + n / 676), (char)('A' + n / 26 % 26),
                              (char)('A' + n % 26), '\0' };
        int digits = ch_currency_digits(code);
        g_assert_cmpint(digits, <=, 4);
        if (digits >= 0)
            by_digits[digits]++;
    }
    /* As list one counts them. */
    g_assert_cmpint(by_digits[0], ==, 17);
    g_assert_cmpint(by_digits[1], ==, 0);
    g_assert_cmpint(by_digits[2], ==, 139);
    g_assert_cmpint(by_digits[3], ==, 7);
    g_assert_cmpint(by_digits[4], ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/currency/digits", test_digits);
    g_test_add_func("/currency/all-are-found", test_all_are_found);
    return g_test_run();
}
