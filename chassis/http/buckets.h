/* Token buckets, one a key, in fixed memory: how often each may do something.
 *
 * However many keys come, none gets more than its rate. When there is no room for a new one it
 * takes the place of the fullest bucket in its set, and begins with what is left in that; who was
 * pushed out so finds no more than he had when he comes back. A bucket that is full is as good as
 * none, so that only those who ask faster than their rate need room.
 * Belongs to whoever holds its lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ChHttpBuckets ChHttpBuckets;

enum {
    CH_HTTP_BUCKETS = 8192,         /* of 16 bytes */
    CH_HTTP_BUCKETS_MOST = 1000000, /* of a rate or a burst */
};

typedef struct {
    int64_t per_second; /* 1 to CH_HTTP_BUCKETS_MOST, as is the next */
    int64_t burst;      /* what a full bucket holds */
} ChHttpRate;

/** All full. */
ChHttpBuckets *ch_http_buckets_new(ChHttpRate rate);
void ch_http_buckets_free(ChHttpBuckets *buckets); /* NULL is fine */

typedef struct {
    bool taken;      /* false: the bucket was empty, and nothing has changed */
    int64_t left;    /* that may be taken now */
    int64_t next_us; /* until one more may be taken; 0: one may be now */
    int64_t full_us; /* until the bucket is full */
} ChHttpTaking;

/** Takes one from the bucket of @key at @now_us (monotonic). */
ChHttpTaking ch_http_buckets_take(ChHttpBuckets *buckets, uint64_t key, int64_t now_us);

/** What taking would say, without it. */
ChHttpTaking ch_http_buckets_look(const ChHttpBuckets *buckets, uint64_t key, int64_t now_us);
