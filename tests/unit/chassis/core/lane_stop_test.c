/* How a lane stops: what it finishes, what it lets go, and how long that may take. */
#include "fake_lane.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    FakeLane *fake;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->fake = fake_lane_new("test-lane", 4);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_free(f->fake);
}

static void assert_journal(Fixture *f, const char *expected)
{
    g_autofree char *journal = fake_lane_journal(f->fake);
    g_assert_cmpstr(journal, ==, expected);
}

static void test_stop_in_a_split_releases_the_rest(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_fault(f->fake, FAKE_RUN, 1, 1, CH_ERROR_FAILED);
    fake_lane_fault(f->fake, FAKE_RUN, 2, FAKE_FOREVER, CH_ERROR_UNAVAILABLE);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "hold(1-2)");
    fake_lane_stop(f->fake);
    g_autofree char *journal = fake_lane_journal(f->fake);
    g_assert_true(g_str_has_suffix(journal, "hold(1-2) release(1-2) release(3-4)"));
    g_assert_cmpuint(f->fake->settled->len, ==, 0);
}

static void test_stop_releases_what_is_held(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_fault(f->fake, FAKE_COMMIT, 1, FAKE_FOREVER, CH_ERROR_UNAVAILABLE);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "hold(1-4)");
    fake_lane_stop(f->fake);
    g_autofree char *journal = fake_lane_journal(f->fake);
    g_assert_true(g_str_has_suffix(journal, "hold(1-4) release(1-4)"));
    g_assert_cmpuint(f->fake->settled->len, ==, 0);
}

static void test_stop_finishes_the_batch_it_is_on(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 6); /* 5 and 6 stay at the source */
    fake_lane_set_shut(f->fake, true);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "run(1-4)");
    ch_lane_stop(fake_lane(f->fake));
    fake_lane_set_shut(f->fake, false);
    fake_lane_stop(f->fake);
    assert_journal(f, "begin run(1-4) commit settle(1-4)");
    g_assert_true(f->fake->saw_stopping);
}

static void test_stop_handles_what_has_come(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_set_closes(f->fake);
    fake_lane_put(f->fake, 9);
    fake_lane_set_shut(f->fake, true);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "run(1-4)");
    ch_lane_stop(fake_lane(f->fake));
    fake_lane_set_shut(f->fake, false);
    fake_lane_stop(f->fake);
    assert_journal(f, "begin run(1-4) commit settle(1-4) close"
                      " begin run(5-8) commit settle(5-8) begin run(9) commit settle(9)");
}

/* Settling what comes behind would settle the released ones too, which never committed. */
static void test_what_comes_behind_a_released_batch_stays(Fixture *f,
                                                          gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_set_closes(f->fake);
    fake_lane_put(f->fake, 8);
    fake_lane_miss(f->fake, 2); /* for the second batch the server would be back */
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "hold(1-4)");
    fake_lane_stop(f->fake);
    g_autofree char *journal = fake_lane_journal(f->fake);
    g_assert_cmpuint(f->fake->settled->len, ==, 0);
    g_assert_nonnull(strstr(journal, "release(1-4)"));
    g_assert_null(strstr(journal, "run(5-8)"));
}

/* The same inside of what is handled at the end. */
static void test_release_ends_the_last_work(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_set_closes(f->fake);
    fake_lane_put(f->fake, 9);
    fake_lane_miss(f->fake, 6);
    fake_lane_set_shut(f->fake, true);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "run(1-4)");
    ch_lane_stop(fake_lane(f->fake));
    fake_lane_set_shut(f->fake, false);
    fake_lane_stop(f->fake);
    assert_journal(f, "begin run(1-4) commit settle(1-4) close"
                      " begin run(5-8) rollback hold(5-8) release(5-8)");
}

static void test_source_away_ends_the_last_work(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_set_closes(f->fake);
    fake_lane_put(f->fake, 5);
    fake_lane_fault(f->fake, FAKE_TAKE, 2, FAKE_FOREVER, CH_ERROR_UNAVAILABLE);
    fake_lane_set_shut(f->fake, true);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "run(1-4)");
    ch_lane_stop(fake_lane(f->fake));
    fake_lane_set_shut(f->fake, false);
    fake_lane_stop(f->fake);
    assert_journal(f, "begin run(1-4) commit settle(1-4) close");
}

static void test_join_gives_up_at_its_deadline(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 1);
    fake_lane_set_shut(f->fake, true);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "run(1)");
    int64_t start_us = ch_time_monotonic_us();
    ch_lane_stop(fake_lane(f->fake));
    g_assert_false(ch_lane_join(fake_lane(f->fake), start_us + 30 * 1000));
    g_assert_cmpint(ch_time_monotonic_us() - start_us, >=, 30 * 1000);
    g_assert_false(ch_lane_join(fake_lane(f->fake), start_us)); /* a deadline long past */
    fake_lane_set_shut(f->fake, false);
    fake_lane_stop(f->fake);
    assert_journal(f, "begin run(1) commit settle(1)");
}

static void test_join_of_a_lane_that_never_ran(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(ch_lane_join(fake_lane(f->fake), 0));
    ch_lane_stop(fake_lane(f->fake));
    g_assert_true(ch_lane_join(fake_lane(f->fake), 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test) g_test_add("/lane/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("stop/in-a-split-releases-the-rest", test_stop_in_a_split_releases_the_rest);
    ADD("stop/releases-what-is-held", test_stop_releases_what_is_held);
    ADD("stop/finishes-the-batch-it-is-on", test_stop_finishes_the_batch_it_is_on);
    ADD("stop/handles-what-has-come", test_stop_handles_what_has_come);
    ADD("stop/what-comes-behind-a-released-batch-stays",
        test_what_comes_behind_a_released_batch_stays);
    ADD("stop/release-ends-the-last-work", test_release_ends_the_last_work);
    ADD("stop/source-away-ends-the-last-work", test_source_away_ends_the_last_work);
    ADD("join/gives-up-at-its-deadline", test_join_gives_up_at_its_deadline);
    ADD("join/of-a-lane-that-never-ran", test_join_of_a_lane_that_never_ran);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
