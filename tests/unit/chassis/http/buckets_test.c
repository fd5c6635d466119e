/* Token buckets: rates, bursts, and more keys than there is room for. */
#include "chassis/http/buckets.h"

#include <glib.h>

#define SECOND_US INT64_C(1000000)
#define START_US (1000 * SECOND_US)

static ChHttpBuckets *buckets; /* of 10 a second, 5 at once */

static void set_up(void)
{
    buckets = ch_http_buckets_new((ChHttpRate){ .per_second = 10, .burst = 5 });
}

/* How many of @tries are granted. */
static int take(uint64_t key, int64_t now_us, int tries)
{
    int taken = 0;
    for (int i = 0; i < tries; i++)
        taken += ch_http_buckets_take(buckets, key, now_us).taken;
    return taken;
}

static void test_a_burst_then_the_rate(void)
{
    set_up();
    g_assert_cmpint(take(1, START_US, 20), ==, 5);
    g_assert_cmpint(take(1, START_US + SECOND_US / 10 - 1, 20), ==, 0);
    g_assert_cmpint(take(1, START_US + SECOND_US / 10, 20), ==, 1);
    g_assert_cmpint(take(1, START_US + SECOND_US * 4 / 10, 20), ==, 3);
    g_assert_cmpint(take(1, START_US + SECOND_US * 3600, 20), ==, 5);
    ch_http_buckets_free(buckets);
}

/* In an hour of asking at ten times the rate. */
static void test_the_rate_holds(void)
{
    set_up();
    int taken = 0;
    for (int64_t us = 0; us < 3600 * SECOND_US; us += SECOND_US / 100)
        taken += take(1, START_US + us, 1);
    g_assert_cmpint(taken, >=, 36000);
    g_assert_cmpint(taken, <=, 36005);
    ch_http_buckets_free(buckets);
}

static void test_others_have_their_own(void)
{
    set_up();
    g_assert_cmpint(take(1, START_US, 20), ==, 5);
    g_assert_cmpint(take(2, START_US, 20), ==, 5);
    g_assert_cmpint(take(0, START_US, 20), ==, 5); /* no key is special */
    ch_http_buckets_free(buckets);
}

static void test_what_is_left_is_told(void)
{
    set_up();
    ChHttpTaking full = ch_http_buckets_look(buckets, 1, START_US);
    g_assert_cmpint(full.left, ==, 5);
    g_assert_cmpint(full.full_us, ==, 0);
    ChHttpTaking first = ch_http_buckets_take(buckets, 1, START_US);
    g_assert_true(first.taken);
    g_assert_cmpint(first.left, ==, 4);
    g_assert_cmpint(first.next_us, ==, 0);
    g_assert_cmpint(first.full_us, ==, SECOND_US / 10);
    g_assert_cmpint(take(1, START_US, 4), ==, 4);
    ChHttpTaking none = ch_http_buckets_take(buckets, 1, START_US + 1);
    g_assert_false(none.taken);
    g_assert_cmpint(none.left, ==, 0);
    g_assert_cmpint(none.next_us, ==, SECOND_US / 10 - 1);
    g_assert_cmpint(none.full_us, ==, SECOND_US / 2 - 1);
    g_assert_cmpint(ch_http_buckets_look(buckets, 1, START_US + 1).left, ==, 0);
    ch_http_buckets_free(buckets);
}

/* Others, many more than there is room for, @tries times each. */
static void flood(int64_t now_us, int tries)
{
    for (uint64_t key = 1000; key < 1000 + 4 * CH_HTTP_BUCKETS; key++)
        take(key, now_us, tries);
}

/* Whether they push him out by asking once each, or by taking what they can. */
static void test_a_flood_resets_nobody(void)
{
    for (int tries = 1; tries <= 6; tries += 5) {
        set_up();
        g_assert_cmpint(take(1, START_US, 20), ==, 5);
        flood(START_US, tries);
        g_assert_cmpint(take(1, START_US, 20), ==, 0);
        int taken = 0;
        for (int tenth = 1; tenth <= 10; tenth++) {
            int64_t now_us = START_US + tenth * SECOND_US / 10;
            flood(now_us, tries);
            taken += take(1, now_us, 20);
        }
        g_assert_cmpint(taken, <=, 10);
        ch_http_buckets_free(buckets);
    }
}

/* What a flood was, is over when its buckets are full again. */
static void test_a_flood_ends(void)
{
    set_up();
    flood(START_US, 6);
    g_assert_cmpint(take(1, START_US + SECOND_US / 2, 20), ==, 5);
    ch_http_buckets_free(buckets);
}

/* As many as come at the rate at most leave room for everybody. */
static void test_many_that_keep_to_it(void)
{
    set_up();
    for (uint64_t key = 1000; key < 1000 + 100 * CH_HTTP_BUCKETS; key++)
        g_assert_cmpint(take(key, START_US + (int64_t)key * 50, 1), ==, 1);
    ch_http_buckets_free(buckets);
}

static void test_the_fastest_rate(void)
{
    buckets = ch_http_buckets_new((ChHttpRate){ CH_HTTP_BUCKETS_MOST, CH_HTTP_BUCKETS_MOST });
    g_assert_cmpint(take(1, START_US, CH_HTTP_BUCKETS_MOST + 1), ==, CH_HTTP_BUCKETS_MOST);
    g_assert_cmpint(take(1, START_US + 1, 2), ==, 1);
    ch_http_buckets_free(buckets);
    buckets = ch_http_buckets_new((ChHttpRate){ 1, CH_HTTP_BUCKETS_MOST });
    g_assert_cmpint(ch_http_buckets_take(buckets, 1, START_US).left, ==, CH_HTTP_BUCKETS_MOST - 1);
    ch_http_buckets_free(buckets);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/buckets/a-burst-then-the-rate", test_a_burst_then_the_rate);
    g_test_add_func("/buckets/the-rate-holds", test_the_rate_holds);
    g_test_add_func("/buckets/others-have-their-own", test_others_have_their_own);
    g_test_add_func("/buckets/what-is-left-is-told", test_what_is_left_is_told);
    g_test_add_func("/buckets/a-flood-resets-nobody", test_a_flood_resets_nobody);
    g_test_add_func("/buckets/a-flood-ends", test_a_flood_ends);
    g_test_add_func("/buckets/many-that-keep-to-it", test_many_that_keep_to_it);
    g_test_add_func("/buckets/the-fastest-rate", test_the_fastest_rate);
    return g_test_run();
}
