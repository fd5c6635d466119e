/* Steps of replay jobs, against a database that follows a script. */
#include "chassis/messaging/replay_job_run.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include "fake_postgres.h"
#include "tests/stores/ids.h"

#include <fcntl.h>
#include <string.h>

#define CLAIM "select j.id, j.queue,"
#define COUNT "select count(*) from dead_letters"
#define PICK "select id, died_at from"
#define LOCK_LETTERS "select id from dead_letters where id = any"
#define LOCK_GROUPS "select g.id from failure_groups"
#define FIND "select id, queue, message_id"
#define SEND "insert into outbox"
#define NOTE "update dead_letters set"
#define REFUSE "insert into replay_refusals"
#define ADVANCE "update replay_jobs j"
#define NEXT "select greatest(0,"
#define JOB_ID "00000000-0000-0000-0000-000000000009"
#define GOOD                                                                                       \
    "{\"EventId\":\"0192f3a4-b5c6-7d8e-9f00-112233445566\",\"EventType\":\"Good\",\"Data\":{}}"

enum {
    CLAIM_COLUMNS = 20,
    LETTER_COLUMNS = 20,
    PERIOD_MS = 1000,
    RETENTION_MS = 60 * 60 * 1000,
};

static const ChCommandType command_type = { "command", g_free };

static ChCommand decode(const ChEvent *event G_GNUC_UNUSED, ChViolations *violations G_GNUC_UNUSED)
{
    return (ChCommand){ &command_type, g_new0(int, 1) };
}

static const ChQueue queue = { "good.queue", "events", "Good", "dlq" };
static const ChSubscriptionConfig consumer = { .queue = &queue,
                                               .event_type = "Good",
                                               .decode = decode };

/* What the job's row says. */
typedef struct {
    int64_t rate, stop_failures, stop_of, replayed, window_replayed, window_returned, returned;
    bool uncounted;
} Row;

typedef struct {
    ChPg *pg;
    ChTicker *ticker;
    ChReplayJobRun *run;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->ticker = ch_ticker_new(PERIOD_MS);
    const ChDeadLetterAdmin admin = {
        .pg = f->pg,
        .consumers = &consumer,
        .consumers_n = 1,
        .inbox_retention_ms = RETENTION_MS,
    };
    f->run = ch_replay_job_run_new(&admin, f->ticker);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_replay_job_run_free(f->run);
    ch_ticker_free(f->ticker);
    g_clear_error(&f->error);
    fake_pg_free(f->pg);
}

static void put_job(Fixture *f, Row row)
{
    const FakeValue values[CLAIM_COLUMNS] = {
        FAKE_UUID(fake_id(9)),
        FAKE_TEXT("good.queue"),
        FAKE_UUID(((ChUuid){ { 0 } })),
        FAKE_TEXT(NULL),
        FAKE_UUID(((ChUuid){ { 0 } })),
        FAKE_TIME(5000),
        FAKE_INT(row.rate),
        FAKE_INT(row.stop_failures),
        FAKE_INT(row.stop_of),
        FAKE_TEXT("ana"),
        FAKE_TEXT("cured"),
        FAKE_BOOL(row.uncounted),
        FAKE_TIME(1000),
        FAKE_UUID(fake_id(3)),
        FAKE_INT(row.replayed),
        FAKE_INT(row.window_replayed),
        FAKE_INT(row.window_returned),
        FAKE_INT(row.returned),
        FAKE_BOOL(false),
        FAKE_UUID(((ChUuid){ { 0 } })),
    };
    fake_pg_answer(f->pg, CLAIM, values, CLAIM_COLUMNS, 1);
}

/* The next @n letters, and what each is. */
static void put_letters(Fixture *f, size_t n, const char *body)
{
    const FakeValue picked[] = { FAKE_UUID(fake_id(1)), FAKE_TIME(2000), FAKE_UUID(fake_id(2)),
                                 FAKE_TIME(3000) };
    fake_pg_answer(f->pg, PICK, picked, 2, n);
    for (size_t i = 0; i < n; i++) {
        const FakeValue letter[LETTER_COLUMNS] = {
            FAKE_UUID(fake_id((uint8_t)(i + 1))),
            FAKE_TEXT("good.queue"),
            FAKE_TEXT("m1"),
            FAKE_TEXT("Good"),
            FAKE_TEXT(NULL),
            FAKE_TEXT("it failed"),
            FAKE_INT(3),
            FAKE_TIME(ch_time_now_us()),
            FAKE_INT((int64_t)strlen(body)),
            FAKE_TEXT(NULL),
            FAKE_TEXT(NULL),
            FAKE_TEXT(NULL),
            FAKE_TIME(0),
            FAKE_UUID(fake_id(8)),
            FAKE_TEXT(NULL),
            FAKE_TEXT(NULL),
            FAKE_UUID(fake_id(0)),
            FAKE_INT(0),
            FAKE_BYTES(body),
            FAKE_BYTES(NULL),
        };
        fake_pg_answer(f->pg, FIND, letter, LETTER_COLUMNS, 1);
    }
}

static void must_step(Fixture *f)
{
    bool ok = ch_replay_job_run(f->run, NULL, 0, &f->error);
    g_assert_no_error(f->error);
    g_assert_true(ok);
    g_assert_true(ch_pg_commit(f->pg, &f->error));
}

static void assert_advanced(Fixture *f, const char *const expected[11])
{
    for (size_t i = 0; i < 11; i++)
        g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, i), ==, expected[i]);
}

static bool was_sent(Fixture *f, const char *statement)
{
    return strstr(fake_pg_sent(f->pg), statement) != NULL;
}

/* Two letters at 20 a second are a tenth of it: the next are due then. All in one transaction. */
static void test_a_step_replays_and_moves_on(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_job(f, (Row){ .rate = 20, .replayed = 7, .uncounted = true });
    fake_pg_answer(f->pg, COUNT, &FAKE_INT(40), 1, 1);
    put_letters(f, 2, GOOD);
    fake_pg_answer_always(f->pg, "select i.event_id", &FAKE_BOOL(false), 1, 1);
    must_step(f);
    assert_advanced(f, (const char *const[]){ JOB_ID, "40", "2", "0", "3000",
                                              "00000000-0000-0000-0000-000000000002", "100000", "0",
                                              "0", "running", "null" });
    g_assert_cmpstr(fake_pg_param(f->pg, PICK, 0), ==, "1000");
    g_assert_cmpstr(fake_pg_param(f->pg, PICK, 2), ==, "5000");
    g_assert_cmpstr(fake_pg_param(f->pg, PICK, 7), ==, "2");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 2), ==, "ana");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 3), ==, "cured");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 5), ==, JOB_ID);
    const char *sent = fake_pg_sent(f->pg);
    const char *letters = strstr(sent, "select id from");
    g_assert_nonnull(letters);
    g_assert_nonnull(strstr(letters, "select g.id from"));
    g_assert_nonnull(strstr(letters, SEND));
}

static void test_without_more_letters_it_is_done(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_job(f, (Row){ .rate = 20 });
    must_step(f);
    assert_advanced(f, (const char *const[]){ JOB_ID, "null", "0", "0", "null", "null", "0", "0",
                                              "0", "done", "null" });
    g_assert_false(was_sent(f, "select id from"));
}

static void test_what_cannot_be_replayed_is_refused(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_job(f, (Row){ .rate = 10 });
    put_letters(f, 1, "{");
    must_step(f);
    assert_advanced(f, (const char *const[]){ JOB_ID, "null", "0", "1", "2000",
                                              "00000000-0000-0000-0000-000000000001", "100000", "0",
                                              "0", "running", "null" });
    g_assert_nonnull(strstr(fake_pg_param(f->pg, REFUSE, 2), "it would die again"));
    g_assert_false(was_sent(f, SEND));
}

static void test_it_stops_when_too_many_come_back(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_job(f, (Row){ .rate = 10,
                      .stop_failures = 3,
                      .stop_of = 50,
                      .replayed = 130,
                      .window_replayed = 100,
                      .returned = 9,
                      .window_returned = 6 });
    must_step(f);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 9), ==, "stopped");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 10), ==, "3 came back while 30 were replayed");
    g_assert_false(was_sent(f, "select id, died_at"));
}

static void test_fewer_begin_to_be_counted_anew(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_job(f, (Row){ .rate = 10,
                      .stop_failures = 3,
                      .stop_of = 50,
                      .replayed = 150,
                      .window_replayed = 100,
                      .returned = 8,
                      .window_returned = 6 });
    must_step(f);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 7), ==, "150");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 8), ==, "8");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 9), ==, "done");
}

/* The first step rolls back, the second finds out which letter it is, the third passes it over. */
static void
test_a_letter_that_the_database_refuses_is_left_behind(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const most[] = { "2", "1" };
    for (size_t i = 0; i < G_N_ELEMENTS(most); i++) {
        put_job(f, (Row){ .rate = 20 });
        const FakeValue picked[] = { FAKE_UUID(fake_id(1)), FAKE_TIME(2000) };
        fake_pg_answer(f->pg, PICK, picked, 2, 1);
        fake_pg_answer_error(f->pg, FIND, CH_ERROR_FAILED, "odd bytes");
        g_assert_true(ch_replay_job_run(f->run, NULL, 0, &f->error));
        g_assert_cmpstr(fake_pg_param(f->pg, PICK, 7), ==, most[i]);
    }
    put_job(f, (Row){ .rate = 20 });
    const FakeValue picked[] = { FAKE_UUID(fake_id(1)), FAKE_TIME(2000) };
    fake_pg_answer(f->pg, PICK, picked, 2, 1);
    must_step(f);
    g_assert_cmpstr(fake_pg_param(f->pg, REFUSE, 2), ==, "it cannot be replayed: odd bytes");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 3), ==, "1");
}

static void test_an_outage_is_handed_on(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_pg_answer_error(f->pg, CLAIM, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(ch_replay_job_run(f->run, NULL, 0, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test) g_test_add("/replay-job-run/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("a-step-replays-and-moves-on", test_a_step_replays_and_moves_on);
    ADD("without-more-letters-it-is-done", test_without_more_letters_it_is_done);
    ADD("what-cannot-be-replayed-is-refused", test_what_cannot_be_replayed_is_refused);
    ADD("it-stops-when-too-many-come-back", test_it_stops_when_too_many_come_back);
    ADD("fewer-begin-to-be-counted-anew", test_fewer_begin_to_be_counted_anew);
    ADD("a-letter-that-the-database-refuses-is-left-behind",
        test_a_letter_that_the_database_refuses_is_left_behind);
    ADD("an-outage-is-handed-on", test_an_outage_is_handed_on);
    return g_test_run();
}
