/* UUIDs: order, uniqueness, text. */
#include "chassis/core/uuid.h"

#include "chassis/core/time.h"

#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS = 4,
    IDS_PER_THREAD = 20000,
    IDS_IN_A_ROW = 200000, /* tens of thousands in a millisecond: the counter runs over */
};

static ChUuid must_parse(const char *text)
{
    ChUuid uuid = { { 0 } };
    g_assert_true(ch_uuid_parse(text, strlen(text), &uuid));
    return uuid;
}

static int64_t milliseconds_of(ChUuid uuid)
{
    return ch_uuid_time_us(uuid) / 1000;
}

static void test_new_is_version_7_of_now(void)
{
    int64_t before_ms = ch_time_now_us() / 1000;
    ChUuid uuid = ch_uuid_new();
    int64_t after_ms = ch_time_now_us() / 1000;

    g_assert_cmpint(uuid.bytes[6] >> 4, ==, 7);
    g_assert_cmpint(uuid.bytes[8] >> 6, ==, 2);
    g_assert_cmpint(milliseconds_of(uuid), >=, before_ms);
    g_assert_cmpint(milliseconds_of(uuid), <=, after_ms);
}

static void test_new_never_goes_backwards(void)
{
    ChUuid last = ch_uuid_new();
    for (int i = 0; i < IDS_IN_A_ROW; i++) {
        ChUuid next = ch_uuid_new();
        g_assert_cmpint(ch_uuid_compare(last, next), <, 0);
        g_assert_cmpint(next.bytes[6] >> 4, ==, 7);
        last = next;
    }
}

typedef struct {
    pthread_mutex_t mutex; /* guards last */
    ChUuid last;
} Shared;

/* An id made after another one was seen is larger, whichever threads made them. */
static void *make_ids(void *data)
{
    Shared *shared = data;
    for (int i = 0; i < IDS_PER_THREAD; i++) {
        pthread_mutex_lock(&shared->mutex);
        ChUuid seen = shared->last;
        pthread_mutex_unlock(&shared->mutex);
        ChUuid made = ch_uuid_new();
        g_assert_cmpint(ch_uuid_compare(seen, made), <, 0);
        pthread_mutex_lock(&shared->mutex);
        if (ch_uuid_compare(shared->last, made) < 0)
            shared->last = made;
        pthread_mutex_unlock(&shared->mutex);
    }
    return NULL;
}

static void test_new_is_ordered_across_threads(void)
{
    Shared shared = { .mutex = PTHREAD_MUTEX_INITIALIZER, .last = ch_uuid_new() };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, make_ids, &shared), ==, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void *fill_ids(void *data)
{
    ChUuid *ids = data;
    for (int i = 0; i < IDS_PER_THREAD; i++)
        ids[i] = ch_uuid_new();
    return NULL;
}

static int compare_ticks(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

/* Time and counter alone already differ; the random part is no excuse. */
static void test_new_repeats_no_tick(void)
{
    g_autofree ChUuid *ids = g_new(ChUuid, THREADS * IDS_PER_THREAD);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, fill_ids, ids + i * IDS_PER_THREAD), ==,
                        0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    qsort(ids, THREADS * IDS_PER_THREAD, sizeof *ids, compare_ticks);
    for (int i = 1; i < THREADS * IDS_PER_THREAD; i++)
        g_assert_cmpint(compare_ticks(&ids[i - 1], &ids[i]), !=, 0);
}

static void test_derive_is_version_5(void)
{
    /* RFC 9562, appendix A.4 */
    ChUuid dns = must_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    ChUuid expected = must_parse("2ed6657d-e927-568b-95e1-2665a8aea6a2");

    ChUuid derived = ch_uuid_derive(dns, "www.example.com", strlen("www.example.com"));

    g_assert_true(ch_uuid_equal(derived, expected));
    g_assert_false(ch_uuid_equal(derived, ch_uuid_derive(dns, "www.example.co", 14)));
}

static void test_text_goes_both_ways(void)
{
    const char *text = "0192f3a4-b5c6-7d8e-9f00-112233445566";
    char written[CH_UUID_TEXT_BYTES];

    ch_uuid_format(must_parse("0192F3A4-B5C6-7D8E-9F00-112233445566"), written);
    g_assert_cmpstr(written, ==, text);

    for (int i = 0; i < 100; i++) {
        ChUuid uuid = ch_uuid_new();
        ch_uuid_format(uuid, written);
        g_assert_true(ch_uuid_equal(uuid, must_parse(written)));
    }
}

static void test_parse_refuses(void)
{
    static const char *const bad[] = {
        "",
        "0192f3a4-b5c6-7d8e-9f00-11223344556",
        "0192f3a4-b5c6-7d8e-9f00-1122334455667",
        "0192f3a4b5c67d8e9f00112233445566",
        "{0192f3a4-b5c6-7d8e-9f00-112233445566}",
        "0192f3a4-b5c6-7d8e-9f00_112233445566",
        "0192f3a4b-5c6-7d8e-9f00-112233445566",
        "0192f3a4-b5c6-7d8e-9f00-11223344556g",
        " 192f3a4-b5c6-7d8e-9f00-112233445566",
        "+192f3a4-b5c6-7d8e-9f00-112233445566",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ChUuid uuid = { { 42 } };
        g_assert_false(ch_uuid_parse(bad[i], strlen(bad[i]), &uuid));
        g_assert_cmpint(uuid.bytes[0], ==, 42);
    }
    /* The length rules, not a zero byte. */
    ChUuid uuid = { { 0 } };
    g_assert_true(ch_uuid_parse("0192f3a4-b5c6-7d8e-9f00-112233445566 and more", 36, &uuid));
    g_assert_false(ch_uuid_parse("0192f3a4-b5c6-7d8e-9f00-11223344556\0", 36, &uuid));
}

static void test_works_as_a_key(void)
{
    g_autoptr(GHashTable) table = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    ChUuid ids[1000];
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        ids[i] = ch_uuid_new();
        g_hash_table_add(table, &ids[i]);
    }
    ChUuid copy = ids[500];

    g_assert_cmpuint(g_hash_table_size(table), ==, G_N_ELEMENTS(ids));
    g_assert_true(g_hash_table_lookup(table, &copy) == &ids[500]);
}

static void test_at_is_the_lowest_of_its_millisecond(void)
{
    const int64_t unix_us = INT64_C(1764000000123456);
    ChUuid lowest = ch_uuid_at(unix_us);
    g_assert_cmpint(ch_uuid_time_us(lowest), ==, INT64_C(1764000000123000));
    /* 0x019ab697e87b is 1764000000123 */
    g_assert_cmpint(ch_uuid_compare(lowest, must_parse("019ab697-e87b-7000-8000-000000000000")), <,
                    0);
    g_assert_cmpint(ch_uuid_compare(lowest, must_parse("019ab697-e87a-7fff-bfff-ffffffffffff")), >,
                    0);
    g_assert_true(ch_uuid_is_nil(ch_uuid_at(0)));
    int64_t before_us = ch_time_now_us();
    g_assert_cmpint(ch_uuid_compare(ch_uuid_at(before_us), ch_uuid_new()), <, 0);
}

static void test_a_range_leaves_a_minute_on_both_sides(void)
{
    ChTimeRange range = { INT64_C(1764000000000000), INT64_C(1764000001000000) };
    ChUuid after;
    ChUuid before;
    ch_uuid_range(range, &after, &before);
    g_assert_cmpint(ch_uuid_time_us(after), ==, range.from_us - 60000000);
    g_assert_cmpint(ch_uuid_time_us(before), ==, range.before_us + 60000000);
    ch_uuid_range(CH_TIME_ALWAYS, &after, &before);
    g_assert_true(ch_uuid_is_nil(after));
    g_assert_cmpint(ch_uuid_compare(before, must_parse("ffffffff-ffff-ffff-ffff-ffffffffffff")), ==,
                    0);
}

static void test_nil(void)
{
    g_assert_true(ch_uuid_is_nil(must_parse("00000000-0000-0000-0000-000000000000")));
    g_assert_false(ch_uuid_is_nil(must_parse("00000000-0000-0000-0000-000000000001")));
    g_assert_false(ch_uuid_is_nil(ch_uuid_new()));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uuid/new/is-version-7-of-now", test_new_is_version_7_of_now);
    g_test_add_func("/uuid/new/never-goes-backwards", test_new_never_goes_backwards);
    g_test_add_func("/uuid/new/is-ordered-across-threads", test_new_is_ordered_across_threads);
    g_test_add_func("/uuid/new/repeats-no-tick", test_new_repeats_no_tick);
    g_test_add_func("/uuid/derive/is-version-5", test_derive_is_version_5);
    g_test_add_func("/uuid/text/goes-both-ways", test_text_goes_both_ways);
    g_test_add_func("/uuid/parse/refuses", test_parse_refuses);
    g_test_add_func("/uuid/works-as-a-key", test_works_as_a_key);
    g_test_add_func("/uuid/at/is-the-lowest-of-its-millisecond",
                    test_at_is_the_lowest_of_its_millisecond);
    g_test_add_func("/uuid/range/leaves-a-minute-on-both-sides",
                    test_a_range_leaves_a_minute_on_both_sides);
    g_test_add_func("/uuid/nil", test_nil);
    return g_test_run();
}
