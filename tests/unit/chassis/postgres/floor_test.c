/* The floor: whole claims at first and then seldom, in between just below the last one's oldest. */
#include "chassis/postgres/floor.h"

#include "chassis/core/time.h"

#include <glib.h>

enum {
    SECOND_US = 1000 * 1000
};

static const int64_t some_time_us = INT64_C(1764000000000000);

static int64_t claim(ChPgFloor *floor, int64_t oldest_us)
{
    int64_t from_us = ch_pg_floor_begin(floor);
    ch_pg_floor_end(floor, oldest_us);
    return from_us;
}

static void assert_just_below(int64_t from_us, int64_t oldest_us)
{
    g_assert_cmpint(from_us, <, oldest_us);
    g_assert_cmpint(from_us, >=, oldest_us - 3 * SECOND_US);
}

static void test_first_claim_is_whole(void)
{
    ChPgFloor floor = { 0 };
    g_assert_cmpint(claim(&floor, some_time_us), ==, 0);
    assert_just_below(ch_pg_floor_begin(&floor), some_time_us);
}

static void test_follows_the_oldest_up_and_down(void)
{
    ChPgFloor floor = { 0 };
    claim(&floor, some_time_us);
    claim(&floor, some_time_us + 5 * SECOND_US);
    assert_just_below(claim(&floor, some_time_us - 5 * SECOND_US), some_time_us + 5 * SECOND_US);
    assert_just_below(ch_pg_floor_begin(&floor), some_time_us - 5 * SECOND_US);
}

static void test_stays_when_nothing_is_found(void)
{
    ChPgFloor floor = { 0 };
    claim(&floor, some_time_us);
    claim(&floor, 0);
    assert_just_below(ch_pg_floor_begin(&floor), some_time_us);
}

static void test_starts_at_now_on_an_empty_table(void)
{
    ChPgFloor floor = { 0 };
    int64_t now_us = ch_time_now_us();
    g_assert_cmpint(claim(&floor, 0), ==, 0);
    int64_t from_us = ch_pg_floor_begin(&floor);
    g_assert_cmpint(from_us, >=, now_us - 3 * SECOND_US);
    g_assert_cmpint(from_us, <, ch_time_now_us());
}

static void test_is_whole_again_when_it_is_due(void)
{
    ChPgFloor floor = { 0 };
    int64_t before_us = ch_time_monotonic_us();
    claim(&floor, some_time_us);
    g_assert_cmpint(floor.whole_due_us, >=, before_us + SECOND_US);
    g_assert_cmpint(floor.whole_due_us, <=, ch_time_monotonic_us() + 3 * SECOND_US);
    g_assert_cmpint(claim(&floor, some_time_us), !=, 0);
    floor.whole_due_us = ch_time_monotonic_us();
    g_assert_cmpint(claim(&floor, some_time_us), ==, 0);
    g_assert_cmpint(claim(&floor, some_time_us), !=, 0);
}

/* It may have waited for the processor: what was committed late must not wait for twenty times
 * that. */
static void test_is_whole_soon_after_a_slow_claim(void)
{
    ChPgFloor floor = { 0 };
    ch_pg_floor_begin(&floor);
    floor.started_us -= 60 * (int64_t)SECOND_US;
    ch_pg_floor_end(&floor, some_time_us);
    g_assert_cmpint(floor.whole_due_us, <=, ch_time_monotonic_us() + 3 * SECOND_US);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/floor/first-claim-is-whole", test_first_claim_is_whole);
    g_test_add_func("/floor/follows-the-oldest-up-and-down", test_follows_the_oldest_up_and_down);
    g_test_add_func("/floor/stays-when-nothing-is-found", test_stays_when_nothing_is_found);
    g_test_add_func("/floor/starts-at-now-on-an-empty-table", test_starts_at_now_on_an_empty_table);
    g_test_add_func("/floor/is-whole-again-when-it-is-due", test_is_whole_again_when_it_is_due);
    g_test_add_func("/floor/is-whole-soon-after-a-slow-claim",
                    test_is_whole_soon_after_a_slow_claim);
    return g_test_run();
}
