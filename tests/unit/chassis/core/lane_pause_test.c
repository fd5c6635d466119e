/* What a paused lane takes, gives back, and finishes. */
#include "fake_lane.h"

#include "chassis/core/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    FakeLane *fake;
    ChControl control;
} Fixture;

static void set_up(Fixture *f, gconstpointer gives_back)
{
    f->fake = fake_lane_new("test-lane", 4);
    if (gives_back != NULL)
        fake_lane_set_closes(f->fake);
    ch_control_init(&f->control, "a.queue", CH_CONTROL_CONSUMER);
    ChLaneConfig config = fake_lane_config(f->fake);
    config.control = &f->control;
    f->fake->lane = ch_lane_new(&config);
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

static void test_takes_nothing_before_anybody_knows(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 2);
    fake_lane_start(f->fake);
    fake_lane_await_calls(f->fake, FAKE_IDLE, 1);
    g_assert_cmpint(fake_lane_calls(f->fake, FAKE_TAKE), ==, 0);
    assert_journal(f, ""); /* nor gives anything back */
    g_assert_false(ch_control_set(&f->control, false));
    fake_lane_await(f->fake, "settle(1-2)");
    fake_lane_stop(f->fake);
}

static void test_gives_back_and_takes_nothing_until_it_goes_on(Fixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(ch_control_set(&f->control, true));
    fake_lane_put(f->fake, 3);
    fake_lane_start(f->fake);
    fake_lane_await_calls(f->fake, FAKE_IDLE, 3); /* it keeps its connection meanwhile */
    g_assert_cmpint(fake_lane_calls(f->fake, FAKE_TAKE), ==, 0);
    g_assert_true(ch_control_set(&f->control, false));
    fake_lane_await(f->fake, "settle(1-3)");
    fake_lane_stop(f->fake);
    assert_journal(f, "rest begin run(1-3) commit settle(1-3) close");
}

static void test_gives_back_what_it_holds(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_control_set(&f->control, false);
    fake_lane_fault(f->fake, FAKE_RUN, 1, FAKE_FOREVER, CH_ERROR_UNAVAILABLE);
    fake_lane_put(f->fake, 2);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "hold(1-2)");
    g_assert_true(ch_control_set(&f->control, true));
    fake_lane_await(f->fake, "release(1-2) rest");
    fake_lane_stop(f->fake);
}

/* What was sent and is not recorded yet would be sent twice by another. */
static void test_finishes_what_nobody_else_can(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_control_set(&f->control, false);
    fake_lane_fault(f->fake, FAKE_RUN, 1, 3, CH_ERROR_UNAVAILABLE);
    fake_lane_put(f->fake, 2);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "hold(1-2)");
    ch_control_set(&f->control, true);
    fake_lane_await(f->fake, "settle(1-2)");
    fake_lane_put(f->fake, 1);
    int idle = fake_lane_calls(f->fake, FAKE_IDLE);
    fake_lane_await_calls(f->fake, FAKE_IDLE, idle + 2);
    fake_lane_stop(f->fake);
    g_autofree char *journal = fake_lane_journal(f->fake);
    g_assert_null(strstr(journal, "release"));
    g_assert_null(strstr(journal, "(3)"));
}

static void test_tells_changes_alone(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_false(ch_control_runs(&f->control));
    g_assert_false(ch_control_paused(&f->control));
    g_assert_true(ch_control_set(&f->control, true));
    g_assert_false(ch_control_set(&f->control, true));
    g_assert_true(ch_control_paused(&f->control));
    g_assert_true(ch_control_set(&f->control, false));
    g_assert_false(ch_control_set(&f->control, false));
    g_assert_true(ch_control_runs(&f->control));
    g_assert_true(ch_control_runs(NULL));
    g_assert_false(ch_control_paused(NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, gives_back, test)                                                                \
    g_test_add("/lane/pause/" name, Fixture, gives_back, set_up, test, tear_down)
    ADD("takes-nothing-before-anybody-knows", "", test_takes_nothing_before_anybody_knows);
    ADD("gives-back-and-takes-nothing-until-it-goes-on", "",
        test_gives_back_and_takes_nothing_until_it_goes_on);
    ADD("gives-back-what-it-holds", "", test_gives_back_what_it_holds);
    ADD("finishes-what-nobody-else-can", NULL, test_finishes_what_nobody_else_can);
    ADD("tells-changes-alone", NULL, test_tells_changes_alone);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
