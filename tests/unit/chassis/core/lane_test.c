/* The lane: what commits together, who pays for a failure, and how it stops. */
#include "fake_lane.h"

#include "chassis/core/log.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    FakeLane *fake;
    int log; /* a file in memory */
} Fixture;

/* @data: the largest batch. */
static void set_up(Fixture *f, gconstpointer data)
{
    f->fake = fake_lane_new("test-lane", GPOINTER_TO_SIZE(data));
    f->log = memfd_create("log", MFD_CLOEXEC);
    ch_log_set_output(f->log);
}

static void tear_down(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_free(f->fake);
    ch_log_set_output(STDOUT_FILENO);
    close(f->log);
}

static void assert_journal(Fixture *f, const char *expected)
{
    g_autofree char *journal = fake_lane_journal(f->fake);
    g_assert_cmpstr(journal, ==, expected);
}

/* How often @text was logged. */
static unsigned count_logged(const Fixture *f, const char *text)
{
    char lines[16384] = "";
    g_assert_cmpint(pread(f->log, lines, sizeof lines - 1, 0), >=, 0);
    g_auto(GStrv) parts = g_strsplit(lines, text, -1);
    unsigned n = g_strv_length(parts);
    return n > 0 ? n - 1 : 0;
}

/* Asserts that @items holds the numbers from @first to @last, but for @without. */
static void assert_range(const GArray *items, int first, int last, int without)
{
    guint at = 0;
    for (int i = first; i <= last; i++) {
        if (i == without)
            continue;
        g_assert_cmpuint(at, <, items->len);
        g_assert_cmpint(g_array_index(items, int, at++), ==, i);
    }
    g_assert_cmpuint(at, ==, items->len);
}

/* ---- all is well ---- */

static void test_batch_commits_and_is_settled_in_order(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 5);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-5) commit settle(1-5)");
    assert_range(f->fake->settled, 1, 5, 0);
}

static void test_batch_has_a_limit(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 9);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-4) commit settle(1-4) begin run(5-8) commit settle(5-8)"
                      " begin run(9) commit settle(9)");
}

static void test_idle_is_called_when_nothing_comes(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_start(f->fake);
    fake_lane_await_calls(f->fake, FAKE_IDLE, 3); /* the first: before anything was asked for */
    fake_lane_put(f->fake, 1);
    fake_lane_await(f->fake, "settle(1)");
    fake_lane_stop(f->fake);
    assert_journal(f, "begin run(1) commit settle(1)");
}

static void test_looks_at_its_server_before_it_takes(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_fault(f->fake, FAKE_TAKE, 1, FAKE_FOREVER, CH_ERROR_UNAVAILABLE);
    fake_lane_start(f->fake);
    fake_lane_await_calls(f->fake, FAKE_TAKE, 1);
    g_assert_cmpint(fake_lane_calls(f->fake, FAKE_IDLE), ==, 1);
}

static void test_names_itself(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_cmpstr(ch_lane_name(fake_lane(f->fake)), ==, "test-lane");
}

/* ---- a guilty item ---- */

static void test_guilty_item_is_found_by_halving(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_blame(f->fake, 3);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-4) rollback"
                      " begin run(1-2) commit settle(1-2)"
                      " begin run(3-4) rollback"
                      " begin run(3) rollback"
                      " begin fail(3) commit settle(3)"
                      " begin run(4) commit settle(4)");
    g_assert_cmpstr(f->fake->reasons->str, ==, "item 3 is guilty\n");
}

static void test_only_the_guilty_of_64_pays(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 64);
    fake_lane_blame(f->fake, 37);
    fake_lane_run(f->fake);
    assert_range(f->fake->settled, 1, 64, 0); /* in order: acknowledging is cumulative */
    assert_range(f->fake->handled, 1, 64, 37);
    assert_range(f->fake->failed, 37, 37, 0);
    /* The whole, and two halves of each of six sizes. */
    g_assert_cmpint(fake_lane_calls(f->fake, FAKE_RUN), ==, 1 + 2 * 6);
}

static void test_any_place_can_be_guilty(Fixture *f, gconstpointer data)
{
    int n = GPOINTER_TO_INT(data);
    for (int guilty = 1; guilty <= n; guilty++) {
        g_autoptr(FakeLane) fake = fake_lane_new("test-lane", (size_t)n);
        fake_lane_put(fake, (size_t)n);
        fake_lane_blame(fake, guilty);
        fake_lane_run(fake);
        assert_range(fake->settled, 1, n, 0);
        assert_range(fake->handled, 1, n, guilty);
        assert_range(fake->failed, guilty, guilty, 0);
    }
    (void)f;
}

/* Every run of one item fails by itself, too. */
static void test_all_can_be_guilty(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_fault(f->fake, FAKE_RUN, 1, FAKE_FOREVER, CH_ERROR_FAILED);
    fake_lane_run(f->fake);
    assert_range(f->fake->settled, 1, 4, 0);
    assert_range(f->fake->failed, 1, 4, 0);
    g_assert_cmpuint(f->fake->handled->len, ==, 0);
}

/* A constraint that is checked at the commit. */
static void test_commit_can_find_the_guilty(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 2);
    fake_lane_fault(f->fake, FAKE_COMMIT, 1, 2, CH_ERROR_FAILED);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-2) commit rollback"
                      " begin run(1) commit rollback"
                      " begin fail(1) commit settle(1)"
                      " begin run(2) commit settle(2)");
}

static void test_abandons_what_cannot_even_be_failed(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 2);
    fake_lane_blame(f->fake, 1);
    fake_lane_fault(f->fake, FAKE_FAIL, 1, 1, CH_ERROR_FAILED);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-2) rollback"
                      " begin run(1) rollback"
                      " begin fail(1) rollback abandon(1)"
                      " begin run(2) commit settle(2)");
    /* Both are told the fault of the item, not that of `fail`. */
    g_assert_cmpstr(f->fake->reasons->str, ==, "item 1 is guilty\nitem 1 is guilty\n");
    g_assert_cmpuint(count_logged(f, "an item could not even be failed"), ==, 1);
}

static void test_abandons_when_the_failure_cannot_be_committed(Fixture *f,
                                                               gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 1);
    fake_lane_blame(f->fake, 1);
    fake_lane_fault(f->fake, FAKE_COMMIT, 1, 1, CH_ERROR_FAILED);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1) rollback begin fail(1) commit rollback abandon(1)");
    g_assert_cmpuint(f->fake->failed->len, ==, 0);
}

/* ---- a server is away ---- */

/* The outage is told once, however often it was tried. */
static void assert_one_outage(const Fixture *f)
{
    g_assert_cmpuint(count_logged(f, "lane waits for a server"), ==, 1);
    g_assert_cmpuint(count_logged(f, "lane works again"), ==, 1);
}

static void test_commit_is_run_again(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_fault(f->fake, FAKE_COMMIT, 1, 2, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-4) commit rollback hold(1-4)"
                      " begin run(1-4) commit rollback hold(1-4)"
                      " begin run(1-4) commit settle(1-4)");
    assert_one_outage(f);
}

static void test_handler_is_run_again(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_fault(f->fake, FAKE_RUN, 1, 2, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-4) rollback hold(1-4)"
                      " begin run(1-4) rollback hold(1-4)"
                      " begin run(1-4) commit settle(1-4)");
    assert_one_outage(f);
}

static void test_unit_that_cannot_begin_is_held(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 2);
    fake_lane_fault(f->fake, FAKE_BEGIN, 1, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin rollback hold(1-2) begin run(1-2) commit settle(1-2)");
}

static void test_failing_waits_for_its_server_too(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 1);
    fake_lane_blame(f->fake, 1);
    fake_lane_fault(f->fake, FAKE_FAIL, 1, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1) rollback begin fail(1) rollback hold(1)"
                      " begin fail(1) commit settle(1)");
}

static void test_answered_batch_is_let_go(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 5);
    fake_lane_set_holds(f->fake, false);
    fake_lane_fault(f->fake, FAKE_COMMIT, 1, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    /* The lane goes on with the next batch. */
    assert_journal(f, "begin run(1-4) commit rollback answer(1-4) begin run(5) commit settle(5)");
}

/* A connection that is whole again has done no work yet. */
static void test_works_again_once_work_succeeded(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 1);
    fake_lane_set_holds(f->fake, false);
    fake_lane_fault(f->fake, FAKE_COMMIT, 1, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "answer(1)");
    fake_lane_await_calls(f->fake, FAKE_IDLE, fake_lane_calls(f->fake, FAKE_IDLE) + 2);
    g_assert_cmpuint(count_logged(f, "lane works again"), ==, 0);
    fake_lane_put(f->fake, 1);
    fake_lane_await(f->fake, "settle(2)");
    fake_lane_stop(f->fake);
    assert_one_outage(f);
}

static void test_source_away_is_asked_again(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 1);
    fake_lane_fault(f->fake, FAKE_TAKE, 1, 3, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1) commit settle(1)");
    g_assert_cmpint(fake_lane_calls(f->fake, FAKE_TAKE), >=, 4);
    g_assert_cmpuint(count_logged(f, "lane waits for a server"), ==, 1);
}

static void test_idle_outage_is_told_once(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_fault(f->fake, FAKE_IDLE, 2, 2, CH_ERROR_UNAVAILABLE);
    fake_lane_start(f->fake);
    fake_lane_await_calls(f->fake, FAKE_IDLE, 5);
    fake_lane_stop(f->fake);
    assert_one_outage(f);
}

/* ---- letting go in the middle of a split: settling one settles all before it ---- */

static void test_rest_of_a_split_goes_with_its_start(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_set_holds(f->fake, false);
    fake_lane_fault(f->fake, FAKE_RUN, 1, 1, CH_ERROR_FAILED);
    fake_lane_fault(f->fake, FAKE_RUN, 2, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-4) rollback begin run(1-2) rollback answer(1-2) release(3-4)");
}

static void test_rest_goes_from_every_level(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 8);
    fake_lane_set_holds(f->fake, false);
    fake_lane_fault(f->fake, FAKE_RUN, 1, 2, CH_ERROR_FAILED);
    fake_lane_fault(f->fake, FAKE_RUN, 4, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-8) rollback begin run(1-4) rollback"
                      " begin run(1-2) commit settle(1-2)"
                      " begin run(3-4) rollback answer(3-4) release(5-8)");
}

static void test_rest_goes_with_an_item_that_could_not_be_failed(Fixture *f,
                                                                 gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 2);
    fake_lane_set_holds(f->fake, false);
    fake_lane_blame(f->fake, 1);
    fake_lane_fault(f->fake, FAKE_FAIL, 1, 1, CH_ERROR_UNAVAILABLE);
    fake_lane_run(f->fake);
    assert_journal(f, "begin run(1-2) rollback begin run(1) rollback"
                      " begin fail(1) rollback answer(1) release(2)");
}

/* ---- logging ---- */

static void test_lines_of_a_failed_attempt_are_dropped(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 4);
    fake_lane_blame(f->fake, 3);
    fake_lane_run(f->fake);
    g_assert_cmpuint(count_logged(f, "\"handled\""), ==, 2); /* 1-2 and 4 */
    g_assert_cmpuint(count_logged(f, "\"first\":1,\"items\":2"), ==, 1);
    g_assert_cmpuint(count_logged(f, "\"first\":4,\"items\":1"), ==, 1);
    g_assert_cmpuint(count_logged(f, "\"failed\",\"item\":3"), ==, 1);
}

static void test_lines_wait_for_their_commit(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_lane_put(f->fake, 1);
    fake_lane_set_shut(f->fake, true);
    fake_lane_start(f->fake);
    fake_lane_await(f->fake, "run(1)");
    g_assert_cmpuint(count_logged(f, "handled"), ==, 0);
    fake_lane_set_shut(f->fake, false);
    fake_lane_await(f->fake, "settle(1)");
    g_assert_cmpuint(count_logged(f, "handled"), ==, 1); /* out before the answer is */
}

static void add_failure_tests(void)
{
#define ADD(name, batch, test)                                                                     \
    g_test_add("/lane/" name, Fixture, GSIZE_TO_POINTER(batch), set_up, test, tear_down)
    ADD("guilty/found-by-halving", 4, test_guilty_item_is_found_by_halving);
    ADD("guilty/only-the-guilty-of-64-pays", 64, test_only_the_guilty_of_64_pays);
    ADD("guilty/any-place-of-8", 8, test_any_place_can_be_guilty);
    ADD("guilty/any-place-of-7", 7, test_any_place_can_be_guilty);
    ADD("guilty/all", 4, test_all_can_be_guilty);
    ADD("guilty/commit-finds-it", 4, test_commit_can_find_the_guilty);
    ADD("guilty/abandons-what-cannot-be-failed", 4, test_abandons_what_cannot_even_be_failed);
    ADD("guilty/abandons-when-the-failure-cannot-be-committed", 4,
        test_abandons_when_the_failure_cannot_be_committed);
    ADD("away/commit-is-run-again", 4, test_commit_is_run_again);
    ADD("away/handler-is-run-again", 4, test_handler_is_run_again);
    ADD("away/unit-that-cannot-begin-is-held", 4, test_unit_that_cannot_begin_is_held);
    ADD("away/failing-waits-too", 4, test_failing_waits_for_its_server_too);
    ADD("away/answered-batch-is-let-go", 4, test_answered_batch_is_let_go);
    ADD("away/works-again-once-work-succeeded", 4, test_works_again_once_work_succeeded);
    ADD("away/source-is-asked-again", 4, test_source_away_is_asked_again);
    ADD("away/idle-outage-is-told-once", 4, test_idle_outage_is_told_once);
    ADD("split/rest-goes-with-its-start", 4, test_rest_of_a_split_goes_with_its_start);
    ADD("split/rest-goes-from-every-level", 8, test_rest_goes_from_every_level);
    ADD("split/rest-goes-with-an-item-that-could-not-be-failed", 2,
        test_rest_goes_with_an_item_that_could_not_be_failed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("lane-test", CH_LOG_DEBUG);
    ADD("batch/commits-and-is-settled-in-order", 8, test_batch_commits_and_is_settled_in_order);
    ADD("batch/has-a-limit", 4, test_batch_has_a_limit);
    ADD("idle/when-nothing-comes", 4, test_idle_is_called_when_nothing_comes);
    ADD("idle/before-it-takes", 4, test_looks_at_its_server_before_it_takes);
    ADD("names-itself", 4, test_names_itself);
    add_failure_tests();
    ADD("log/lines-of-a-failed-attempt-are-dropped", 4, test_lines_of_a_failed_attempt_are_dropped);
    ADD("log/lines-wait-for-their-commit", 4, test_lines_wait_for_their_commit);
#undef ADD
    return g_test_run();
}
