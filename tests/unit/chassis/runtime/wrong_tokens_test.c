/* Who guesses at tokens has to wait, and nobody else. */
#include "chassis/runtime/wrong_tokens.h"

#include <glib.h>

enum {
    SECOND = G_USEC_PER_SEC,
    ME = 7,
};

static void guess(ChWrongTokens *tokens, uint64_t address, int times, int64_t now_us)
{
    for (int i = 0; i < times; i++)
        ch_wrong_tokens_count(tokens, address, false, now_us);
}

static void test_waits_double_up_to_a_minute(void)
{
    static const unsigned waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    ChWrongTokens tokens = { .rows = { { .wrong = 0 } } };
    int64_t now_us = SECOND;
    guess(&tokens, ME, CH_WRONG_TOKENS_FREE, now_us);
    g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, now_us), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        guess(&tokens, ME, 1, now_us);
        g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, now_us), ==, waits[i]);
        g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME + 1, now_us), ==, 0);
        now_us += waits[i] * (int64_t)SECOND;
        g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, now_us - 1), ==, 1);
        g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, now_us), ==, 0);
    }
}

static void test_the_right_one_forgives(void)
{
    ChWrongTokens tokens = { .rows = { { .wrong = 0 } } };
    guess(&tokens, ME, CH_WRONG_TOKENS_FREE, SECOND);
    ch_wrong_tokens_count(&tokens, ME, true, SECOND);
    guess(&tokens, ME, CH_WRONG_TOKENS_FREE, SECOND);
    g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, SECOND), ==, 0);
    guess(&tokens, ME, 1, SECOND);
    g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, SECOND), ==, 1);
}

/* Whoever was quiet for longest is forgotten first. */
static void test_many_addresses(void)
{
    ChWrongTokens tokens = { .rows = { { .wrong = 0 } } };
    guess(&tokens, ME, CH_WRONG_TOKENS_FREE + 7, 2 * SECOND);
    for (uint64_t i = 1; i < CH_WRONG_TOKENS_ADDRESSES; i++)
        guess(&tokens, ME + i, 1, SECOND);
    guess(&tokens, 1000, 1, 3 * SECOND);
    g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, 3 * SECOND), ==, 59);
    for (uint64_t i = 0; i < CH_WRONG_TOKENS_ADDRESSES; i++)
        guess(&tokens, 2000 + i, 1, 4 * SECOND);
    g_assert_cmpuint(ch_wrong_tokens_wait_s(&tokens, ME, 4 * SECOND), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wrong-tokens/waits-double-up-to-a-minute", test_waits_double_up_to_a_minute);
    g_test_add_func("/wrong-tokens/the-right-one-forgives", test_the_right_one_forgives);
    g_test_add_func("/wrong-tokens/many-addresses", test_many_addresses);
    return g_test_run();
}
