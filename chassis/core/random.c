/* A pool of random bytes for each thread, filled by getrandom(2). */
#include "chassis/core/random.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/random.h>

enum {
    /* 25 UUIDs of 10 bytes a system call. Up to 256 bytes getrandom() is never cut short. */
    POOL_BYTES = 256,
};

static _Thread_local struct {
    uint8_t bytes[POOL_BYTES];
    size_t left; /* bytes at the end that were not handed out */
} pool;

static void fill_from_system(void *bytes, size_t n)
{
    uint8_t *at = bytes;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR)
            g_error("getrandom: %s", g_strerror(errno));
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

void ch_random_fill(void *bytes, size_t n)
{
    if (n > POOL_BYTES / 4) { /* large requests would only churn the pool */
        fill_from_system(bytes, n);
        return;
    }
    if (pool.left < n) {
        fill_from_system(pool.bytes, sizeof pool.bytes);
        pool.left = sizeof pool.bytes;
    }
    uint8_t *from = pool.bytes + sizeof pool.bytes - pool.left;
    memcpy(bytes, from, n);
    memset(from, 0, n); /* what was handed out stays nowhere else */
    pool.left -= n;
}

uint64_t ch_random_below(uint64_t limit)
{
    g_assert(limit > 0);
    uint64_t number = 0;
    ch_random_fill(&number, sizeof number);
    return number % limit;
}
