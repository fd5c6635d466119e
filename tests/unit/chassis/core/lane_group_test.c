/* Lanes started and stopped together. */
#include "chassis/core/lane_group.h"

#include "fake_lane.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LANES = 3
};

typedef struct {
    FakeLane *fakes[LANES];
    ChLaneGroup *group;
    int log; /* a file in memory */
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const names[LANES] = { "first", "second", "third" };
    f->log = memfd_create("log", MFD_CLOEXEC);
    ch_log_set_output(f->log);
    f->group = ch_lane_group_new();
    for (size_t i = 0; i < LANES; i++) {
        f->fakes[i] = fake_lane_new(names[i], 4);
        ChLaneConfig config = fake_lane_config(f->fakes[i]);
        ChLane *lane = ch_lane_group_add(f->group, &config);
        g_assert_cmpstr(ch_lane_name(lane), ==, names[i]);
    }
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_lane_group_free(f->group);
    for (size_t i = 0; i < LANES; i++)
        fake_lane_free(f->fakes[i]);
    ch_log_set_output(STDOUT_FILENO);
    close(f->log);
}

static void must_start(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    bool ok = ch_lane_group_start(f->group, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static int64_t patience(void)
{
    return ch_time_monotonic_us() + FAKE_PATIENCE_S * G_USEC_PER_SEC;
}

static void test_all_lanes_work_and_stop(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_start(f);
    for (size_t i = 0; i < LANES; i++)
        fake_lane_put(f->fakes[i], 1);
    for (size_t i = 0; i < LANES; i++)
        fake_lane_await(f->fakes[i], "settle(1)");
    g_assert_true(ch_lane_group_stop(f->group, patience()));
    g_assert_true(ch_lane_group_stop(f->group, patience())); /* once more is fine */
}

static void test_lane_that_does_not_stop_is_named(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fakes[1], 1);
    fake_lane_set_shut(f->fakes[1], true);
    must_start(f);
    fake_lane_await(f->fakes[1], "run(1)");
    g_assert_false(ch_lane_group_stop(f->group, ch_time_monotonic_us() + 30 * 1000));
    char lines[4096] = "";
    g_assert_cmpint(pread(f->log, lines, sizeof lines - 1, 0), >, 0);
    g_assert_nonnull(strstr(lines, "a lane did not stop in time"));
    g_assert_nonnull(strstr(lines, "\"lane\":\"second\""));

    fake_lane_set_shut(f->fakes[1], false);
    g_assert_true(ch_lane_group_stop(f->group, patience()));
}

/* Opens the lane's handler when the group asks it to stop. */
static void *open_when_woken(void *fake)
{
    fake_lane_await_wakes(fake, 1);
    fake_lane_set_shut(fake, false);
    return NULL;
}

static void test_free_waits_for_a_busy_lane(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fakes[2], 1);
    fake_lane_set_shut(f->fakes[2], true);
    must_start(f);
    fake_lane_await(f->fakes[2], "run(1)");
    pthread_t opener;
    g_assert_cmpint(pthread_create(&opener, NULL, open_when_woken, f->fakes[2]), ==, 0);
    ch_lane_group_free(f->group);
    f->group = NULL;
    pthread_join(opener, NULL);
    g_autofree char *journal = fake_lane_journal(f->fakes[2]);
    g_assert_cmpstr(journal, ==, "begin run(1) commit settle(1)");
}

static void test_group_that_never_started_can_be_freed(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(ch_lane_group_stop(f->group, 0));
    for (size_t i = 0; i < LANES; i++)
        g_assert_cmpint(fake_lane_calls(f->fakes[i], FAKE_IDLE), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/lane-group/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("all-lanes-work-and-stop", test_all_lanes_work_and_stop);
    ADD("lane-that-does-not-stop-is-named", test_lane_that_does_not_stop_is_named);
    ADD("free-waits-for-a-busy-lane", test_free_waits_for_a_busy_lane);
    ADD("group-that-never-started-can-be-freed", test_group_that_never_started_can_be_freed);
#undef ADD
    return g_test_run();
}
