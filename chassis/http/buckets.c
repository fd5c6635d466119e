/* A bucket is one number: when it will be full (the generic cell rate algorithm). What is in it is
 * the time until then, and filling it costs nothing. */
#include "chassis/http/buckets.h"

#include "chassis/core/random.h"

#include <glib.h>

enum {
    WAYS = 8, /* two cache lines */
    SETS = CH_HTTP_BUCKETS / WAYS,
};

#define NS_PER_US INT64_C(1000)
#define NS_PER_S INT64_C(1000000000)

typedef struct {
    uint64_t key;
    int64_t full_ns; /* monotonic; 0: never used */
} Bucket;

struct ChHttpBuckets {
    int64_t each_ns; /* in which one is added */
    int64_t span_ns; /* in which an empty bucket fills */
    uint64_t secret; /* so that nobody chooses in whose set he is */
    Bucket buckets[CH_HTTP_BUCKETS];
};

ChHttpBuckets *ch_http_buckets_new(ChHttpRate rate)
{
    g_assert(rate.per_second >= 1 && rate.per_second <= CH_HTTP_BUCKETS_MOST);
    g_assert(rate.burst >= 1 && rate.burst <= CH_HTTP_BUCKETS_MOST);
    ChHttpBuckets *buckets = g_new0(ChHttpBuckets, 1);
    buckets->each_ns = NS_PER_S / rate.per_second;
    buckets->span_ns = buckets->each_ns * rate.burst;
    ch_random_fill(&buckets->secret, sizeof buckets->secret);
    return buckets;
}

void ch_http_buckets_free(ChHttpBuckets *buckets)
{
    g_free(buckets);
}

/* The end of splitmix64: each bit of the key moves half of those of the place. */
static size_t set_of(const ChHttpBuckets *buckets, uint64_t key)
{
    uint64_t mixed = key ^ buckets->secret;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    mixed ^= mixed >> 31;
    return (size_t)(mixed % SETS) * WAYS;
}

/* The bucket of @key, or that which it would push out: the fullest. The least time in a set never
 * shrinks, which is why nobody gains by going and coming back. */
static size_t place_of(const ChHttpBuckets *buckets, uint64_t key)
{
    size_t first = set_of(buckets, key);
    size_t place = first;
    for (size_t i = first; i < first + WAYS; i++) {
        if (buckets->buckets[i].key == key && buckets->buckets[i].full_ns > 0)
            return i;
        if (buckets->buckets[i].full_ns < buckets->buckets[place].full_ns)
            place = i;
    }
    return place;
}

/* What a bucket says that will be full in @missing_ns. */
static ChHttpTaking taking_of(const ChHttpBuckets *buckets, int64_t missing_ns)
{
    int64_t held_ns = MAX(buckets->span_ns - missing_ns, 0);
    int64_t short_ns = missing_ns + buckets->each_ns - buckets->span_ns;
    return (ChHttpTaking){
        .left = held_ns / buckets->each_ns,
        .next_us = short_ns <= 0 ? 0 : (short_ns + NS_PER_US - 1) / NS_PER_US,
        .full_us = (missing_ns + NS_PER_US - 1) / NS_PER_US,
    };
}

ChHttpTaking ch_http_buckets_look(const ChHttpBuckets *buckets, uint64_t key, int64_t now_us)
{
    const Bucket *bucket = &buckets->buckets[place_of(buckets, key)];
    return taking_of(buckets, MAX(bucket->full_ns - now_us * NS_PER_US, 0));
}

ChHttpTaking ch_http_buckets_take(ChHttpBuckets *buckets, uint64_t key, int64_t now_us)
{
    Bucket *bucket = &buckets->buckets[place_of(buckets, key)];
    int64_t now_ns = now_us * NS_PER_US;
    int64_t missing_ns = MAX(bucket->full_ns - now_ns, 0);
    if (missing_ns + buckets->each_ns > buckets->span_ns)
        return taking_of(buckets, missing_ns);
    bucket->key = key;
    bucket->full_ns = now_ns + missing_ns + buckets->each_ns;
    ChHttpTaking taking = taking_of(buckets, missing_ns + buckets->each_ns);
    taking.taken = true;
    return taking;
}
