/* Who guessed how often. */
#include "chassis/runtime/wrong_tokens.h"

#include <glib.h>

enum {
    MAX_WAIT_S = 60,
    MAX_DOUBLINGS = 6,
};

static int find(const ChWrongTokens *tokens, uint64_t address)
{
    for (int i = 0; i < CH_WRONG_TOKENS_ADDRESSES; i++) {
        if (tokens->rows[i].wrong > 0 && tokens->rows[i].address == address)
            return i;
    }
    return -1;
}

/* A free row, or that of the address that was quiet for longest. */
static int oldest(const ChWrongTokens *tokens)
{
    int found = 0;
    for (int i = 0; i < CH_WRONG_TOKENS_ADDRESSES; i++) {
        if (tokens->rows[i].wrong == 0)
            return i;
        if (tokens->rows[i].last_us < tokens->rows[found].last_us)
            found = i;
    }
    return found;
}

unsigned ch_wrong_tokens_wait_s(const ChWrongTokens *tokens, uint64_t address, int64_t now_us)
{
    int row = find(tokens, address);
    if (row < 0 || tokens->rows[row].until_us <= now_us)
        return 0;
    int64_t left_us = tokens->rows[row].until_us - now_us;
    return (unsigned)((left_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

void ch_wrong_tokens_count(ChWrongTokens *tokens, uint64_t address, bool right, int64_t now_us)
{
    int row = find(tokens, address);
    if (right) {
        if (row >= 0)
            tokens->rows[row].wrong = 0;
        return;
    }
    if (row < 0) {
        row = oldest(tokens);
        tokens->rows[row].address = address;
        tokens->rows[row].wrong = 0;
        tokens->rows[row].until_us = 0;
    }
    unsigned wrong = ++tokens->rows[row].wrong;
    tokens->rows[row].last_us = now_us;
    if (wrong <= CH_WRONG_TOKENS_FREE)
        return;
    unsigned doublings = MIN(wrong - CH_WRONG_TOKENS_FREE - 1, (unsigned)MAX_DOUBLINGS);
    int64_t wait_s = MIN((int64_t)1 << doublings, (int64_t)MAX_WAIT_S);
    tokens->rows[row].until_us = now_us + wait_s * G_USEC_PER_SEC;
}
