/* What may become of a replay job, and how one is made, against a database that follows a script.
 */
#include "chassis/messaging/replay_jobs.h"

#include "fake_postgres.h"
#include "tests/stores/ids.h"

#include <string.h>

#define INSERT "insert into replay_jobs"
#define SELECT "select j.id, j.number"

enum {
    COLUMNS = 25
};

/* From (row) to (column), each: running, paused, stopped, done, cancelled. */
static void test_the_whole_table_of_changes(void)
{
    static const char *const may[CH_REPLAY_STATES_N] = {
        [CH_REPLAY_RUNNING] = "yy--y",   [CH_REPLAY_PAUSED] = "yy--y",
        [CH_REPLAY_STOPPED] = "y---y",   [CH_REPLAY_DONE] = "-----",
        [CH_REPLAY_CANCELLED] = "----y",
    };
    for (int from = 0; from < CH_REPLAY_STATES_N; from++) {
        for (int to = 0; to < CH_REPLAY_STATES_N; to++)
            g_assert_cmpint(ch_replay_may_become((ChReplayState)from, (ChReplayState)to), ==,
                            may[from][to] == 'y');
    }
}

static void test_names_are_read_as_they_are_written(void)
{
    ChReplayState state;
    for (int i = 0; i < CH_REPLAY_STATES_N; i++) {
        g_assert_true(ch_replay_state_parse(ch_replay_state_name((ChReplayState)i), &state));
        g_assert_cmpint(state, ==, i);
    }
    g_assert_false(ch_replay_state_parse("waiting", &state));
}

static void put_job(ChPg *pg)
{
    const ChUuid nil = { { 0 } };
    const FakeValue row[COLUMNS] = {
        FAKE_UUID(fake_id(9)), FAKE_INT(1),       FAKE_TEXT("paused"), FAKE_TEXT("a.queue"),
        FAKE_UUID(nil),        FAKE_TEXT("Good"), FAKE_UUID(nil),      FAKE_TIME(7),
        FAKE_INT(10),          FAKE_INT(3),       FAKE_INT(50),        FAKE_TIME(8),
        FAKE_TEXT("ana"),      FAKE_TEXT("so"),   FAKE_INT(-1),        FAKE_INT(4),
        FAKE_INT(5),           FAKE_INT(6),       FAKE_INT(9960),      FAKE_TIME(0),
        FAKE_TEXT(NULL),       FAKE_BOOL(true),   FAKE_INT(1),         FAKE_INT(2),
        FAKE_INT(3),
    };
    fake_pg_answer(pg, SELECT, row, COLUMNS, 1);
}

static ChReplayMaking must_make(ChPg *pg, const ChReplayWish *wish, ChReplayJob **job)
{
    ChReplayMaking making = CH_REPLAY_MADE;
    g_autoptr(GError) error = NULL;
    g_assert_true(ch_replay_jobs_make(pg, wish, &making, job, &error));
    return making;
}

static void test_a_queue_that_has_a_job_gets_no_other(void)
{
    ChPg *pg = fake_pg_new();
    g_autoptr(ChReplayJob) job = NULL;
    put_job(pg);
    const ChReplayWish wish = { .queue = "a.queue", .rate = 10, .by = "ana", .why = "so" };
    g_assert_cmpint(must_make(pg, &wish, &job), ==, CH_REPLAY_BUSY);
    g_assert_cmpint(job->state, ==, CH_REPLAY_PAUSED);
    g_assert_cmpint(job->total, ==, -1);
    g_assert_cmpint(job->stop_of, ==, 50);
    g_assert_cmpint(job->returned, ==, 6);
    g_assert_true(job->dry_run);
    g_assert_cmpint(job->works, ==, 1);
    g_assert_cmpint(job->fails, ==, 2);
    g_assert_cmpint(job->untried, ==, 3);
    g_assert_cmpstr(fake_pg_param(pg, INSERT, 7), ==, "null");
    fake_pg_free(pg);
}

static void test_one_that_is_made_is_shown(void)
{
    ChPg *pg = fake_pg_new();
    g_autoptr(ChReplayJob) job = NULL;
    fake_pg_answer(pg, INSERT, &FAKE_UUID(fake_id(9)), 1, 1);
    put_job(pg);
    const ChReplayWish wish = {
        .group = fake_id(2), .rate = 10, .stop_failures = 3, .stop_of = 50, .by = "ana", .why = "so"
    };
    g_assert_cmpint(must_make(pg, &wish, &job), ==, CH_REPLAY_MADE);
    g_assert_cmpstr(fake_pg_param(pg, INSERT, 2), ==, "null");
    g_assert_cmpstr(fake_pg_param(pg, INSERT, 7), ==, "3");
    g_assert_cmpstr(fake_pg_param(pg, INSERT, 8), ==, "50");
    fake_pg_free(pg);
}

static void test_a_group_that_there_is_not_is_said(void)
{
    ChPg *pg = fake_pg_new();
    g_autoptr(ChReplayJob) job = NULL;
    const ChReplayWish wish = { .group = fake_id(2), .rate = 10, .by = "ana", .why = "so" };
    g_assert_cmpint(must_make(pg, &wish, &job), ==, CH_REPLAY_NO_GROUP);
    g_assert_null(job);
    fake_pg_free(pg);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/replay-jobs/the-whole-table-of-changes", test_the_whole_table_of_changes);
    g_test_add_func("/replay-jobs/names-are-read-as-they-are-written",
                    test_names_are_read_as_they_are_written);
    g_test_add_func("/replay-jobs/a-queue-that-has-a-job-gets-no-other",
                    test_a_queue_that_has_a_job_gets_no_other);
    g_test_add_func("/replay-jobs/one-that-is-made-is-shown", test_one_that_is_made_is_shown);
    g_test_add_func("/replay-jobs/a-group-that-there-is-not-is-said",
                    test_a_group_that_there_is_not_is_said);
    return g_test_run();
}
