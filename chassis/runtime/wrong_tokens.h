/* Slows down who guesses at a token: after 10 wrong ones, an address is not listened to for a
 * second, then two, four, up to a minute after each further one. Others are not affected, and
 * nobody is made to wait. Belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    CH_WRONG_TOKENS_FREE = 10,
    CH_WRONG_TOKENS_ADDRESSES = 64, /* remembered; the one that was quiet for longest makes room */
};

/** Zeroed: nobody guessed. */
typedef struct {
    struct {
        uint64_t address;
        unsigned wrong; /* 0: free */
        int64_t last_us;
        int64_t until_us;
    } rows[CH_WRONG_TOKENS_ADDRESSES];
} ChWrongTokens;

/** For how many seconds, rounded up, @address is not listened to; 0: it is. Times are monotonic. */
unsigned ch_wrong_tokens_wait_s(const ChWrongTokens *tokens, uint64_t address, int64_t now_us);

/** @address sent a wrong token, or the right one, which forgives it all others. */
void ch_wrong_tokens_count(ChWrongTokens *tokens, uint64_t address, bool right, int64_t now_us);
