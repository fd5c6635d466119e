/* Dead letter administration: what may be replayed, and what an action does, against a database
 * that follows a script. */
#include "chassis/messaging/dead_letter_admin.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/json/json_read.h"

#include "fake_postgres.h"
#include "tests/stores/ids.h"

#include <fcntl.h>
#include <string.h>

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define LOCK "select from dead_letters"
#define FIND "select id, queue,"
#define KNOWN "select i.event_id"
#define SEND "insert into outbox"
#define NOTE "update dead_letters set"
#define COUNT "update failure_groups g"
#define ID "0192f3a4-b5c6-7d8e-9f00-112233445566"
#define LETTER_ID "00000000-0000-0000-0000-000000000001"
#define GOOD "{\"EventId\":\"" ID "\",\"EventType\":\"Good\",\"Data\":{\"Number\":7}}"

enum {
    OLDEST_US = 1000,
    COLUMNS = 20, /* of a letter with its bodies */
    RETENTION_MS = 60 * 60 * 1000,
};

/* ---- the service ---- */

/* What the service's own tables say of a replay, and whether they were asked. */
typedef struct {
    const char *blocker; /* NULL: none */
    int asked;
} Service;

static const ChCommandType number_type = { "number", g_free };

static ChCommand decode(const ChEvent *event, ChViolations *violations)
{
    int64_t number;
    if (!ch_json_read_integer(event->data, "Number", CH_JSON_REQUIRED, 1, 9, &number, violations))
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &number_type, g_memdup2(&number, sizeof number) };
}

static bool replay_blockers(void *context, const ChCommand *commands, size_t n, char **blockers,
                            GError **error G_GNUC_UNUSED)
{
    Service *service = context;
    g_autofree const int64_t **numbers = ch_commands_values(commands, n, &number_type);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpint(*numbers[0], ==, 7);
    service->asked++;
    blockers[0] = g_strdup(service->blocker);
    return true;
}

static const ChQueue queue = { "good.queue", "events", "Good", "dlq" };
static const ChSubscriptionConfig consumer = { .queue = &queue,
                                               .event_type = "Good",
                                               .decode = decode };

/* ---- deciding without a database ---- */

static ChDeadLetter letter_of(const char *body)
{
    return (ChDeadLetter){
        .queue = (char *)"good.queue",
        .reason = (char *)"it failed",
        .died_us = OLDEST_US,
        .body = (char *)body,
        .body_read = strlen(body),
        .body_bytes = (int64_t)strlen(body),
    };
}

static void assert_blocker(const ChDeadLetter *letter, const ChSubscriptionConfig *to,
                           const char *expected)
{
    ChEvent *event = NULL;
    ChCommand command = { NULL, NULL };
    g_autofree char *blocker = ch_dead_letter_read(letter, to, OLDEST_US, &event, &command);
    g_assert_nonnull(blocker);
    g_assert_nonnull(strstr(blocker, expected));
    g_assert_null(event);
    g_assert_null(command.value);
}

static void test_a_good_one_is_decoded(void)
{
    const ChDeadLetter letter = letter_of(GOOD);
    g_autoptr(ChEvent) event = NULL;
    ChCommand command = { NULL, NULL };
    g_assert_null(ch_dead_letter_read(&letter, &consumer, OLDEST_US, &event, &command));
    g_assert_cmpint(*(int64_t *)command.value, ==, 7);
    g_assert_cmpstr(event->type, ==, "Good");
    ch_command_free(command);
}

static void test_what_would_die_again(void)
{
    static const char *const bodies[][2] = {
        { "", "not an event" },
        { "{", "not an event" },
        { "{\"EventId\":\"7\",\"Data\":{}}", "EventId is no UUID" },
        { "{\"EventId\":\"" ID "\",\"EventType\":\"Other\",\"Data\":{\"Number\":7}}",
          "EventType must be Good" },
        { "{\"EventId\":\"" ID "\",\"EventType\":\"Good\",\"Data\":{\"Number\":10}}",
          "Data.Number must be at most 9" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        const ChDeadLetter letter = letter_of(bodies[i][0]);
        assert_blocker(&letter, &consumer, bodies[i][1]);
        assert_blocker(&letter, &consumer, "it would die again: ");
    }
    ChDeadLetter large = letter_of(GOOD); /* only its beginning was read */
    large.body_bytes = CH_EVENT_MAX_BYTES + 1;
    assert_blocker(&large, &consumer, "it would die again: the body has 1048577 bytes");
}

static void test_what_cannot_be_decided_here(void)
{
    ChDeadLetter letter = letter_of(GOOD);
    assert_blocker(&letter, NULL, "this service does not consume good.queue");
    letter.died_us = OLDEST_US - 1;
    assert_blocker(&letter, &consumer, "longer ago than INBOX_RETENTION");
}

static void test_an_act_is_not_repeated(void)
{
    ChDeadLetter letter = letter_of(GOOD);
    letter.acted_by = (char *)"ana";
    letter.acted_why = (char *)"cured";
    letter.acted_us = 0;
    letter.state = CH_DEAD_LETTER_REPLAYED;
    assert_blocker(&letter, &consumer,
                   "it was replayed by ana at 1970-01-01T00:00:00.000000Z: cured");
    letter.state = CH_DEAD_LETTER_DISCARDED;
    assert_blocker(&letter, &consumer, "it was discarded by ana");
}

/* ---- acting ---- */

typedef struct {
    ChPg *pg;
    Service service;
    ChSubscriptionConfig consumer;
    ChDeadLetterAdmin admin;
    ChDeadLetterOutcome outcome;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->consumer = consumer;
    f->consumer.replay_blockers = replay_blockers;
    f->consumer.context = &f->service;
    f->admin = (ChDeadLetterAdmin){
        .pg = f->pg,
        .consumers = &f->consumer,
        .consumers_n = 1,
        .inbox_retention_ms = RETENTION_MS,
    };
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_free(f->outcome.why);
    g_clear_error(&f->error);
    fake_pg_free(f->pg);
}

/* The letter is there; @act is what was done about it, NULL: it waits. */
static void put_letter(Fixture *f, const char *act)
{
    const FakeValue row[COLUMNS] = {
        FAKE_UUID(fake_id(1)),
        FAKE_TEXT("good.queue"),
        FAKE_TEXT("m1"),
        FAKE_TEXT("Good"),
        FAKE_TEXT("00-trace-span-01"),
        FAKE_TEXT("it failed"),
        FAKE_INT(3),
        FAKE_TIME(ch_time_now_us()),
        FAKE_INT(sizeof GOOD - 1),
        FAKE_TEXT(act),
        FAKE_TEXT(act == NULL ? NULL : "ana"),
        FAKE_TEXT(act == NULL ? NULL : "cured"),
        FAKE_TIME(0),
        FAKE_UUID(fake_id(9)),
        FAKE_TEXT(NULL),
        FAKE_TEXT(act == NULL ? NULL : "admin-token"),
        FAKE_UUID(fake_id(0)),
        FAKE_INT(0),
        FAKE_BYTES(GOOD),
        FAKE_BYTES(NULL),
    };
    fake_pg_answer(f->pg, FIND, row, COLUMNS, 1);
}

static void put_in_inbox(Fixture *f, bool known)
{
    fake_pg_answer(f->pg, KNOWN, &FAKE_BOOL(known), 1, 1);
}

static bool act(Fixture *f, ChDeadLetterState state, bool dry_run)
{
    const ChDeadLetterAction action = {
        .id = fake_id(1),
        .act = state,
        .by = dry_run ? NULL : "bea",
        .as = "admin-token",
        .why = dry_run ? NULL : "the bug is fixed",
        .dry_run = dry_run,
        .trace = ch_trace_continue("00-" TRACE_ID "-b7ad6b7169203331-01"),
    };
    fake_pg_forget(f->pg);
    return ch_dead_letter_act(&f->admin, &action, &f->outcome, &f->error);
}

static void must_act(Fixture *f, ChDeadLetterState state)
{
    g_assert_true(act(f, state, false));
    g_assert_true(ch_pg_commit(f->pg, &f->error));
}

static void assert_sent(Fixture *f, const char *statements)
{
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, statements);
}

static void assert_refused(Fixture *f, const char *why)
{
    g_assert_cmpint(f->outcome.result, ==, CH_DEAD_LETTER_REFUSED);
    g_assert_nonnull(strstr(f->outcome.why, why));
    g_clear_pointer(&f->outcome.why, g_free);
}

static void assert_noted(Fixture *f, const char *act_name)
{
    static const char *const by_whom[] = { "bea", "the bug is fixed", "admin-token" };
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 0), ==, LETTER_ID);
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 1), ==, act_name);
    for (size_t i = 0; i < G_N_ELEMENTS(by_whom); i++)
        g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 2 + i), ==, by_whom[i]);
}

/* Through the default exchange to the queue alone, and with all attempts before it. */
static void test_a_replay_is_sent_and_noted(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const sent[] = { "m1", "",  "good.queue", "Good", GOOD,
                                        NULL, "0", "null",       "null", "1" };
    put_letter(f, NULL);
    put_in_inbox(f, false);
    must_act(f, CH_DEAD_LETTER_REPLAYED);
    g_assert_cmpint(f->outcome.result, ==, CH_DEAD_LETTER_DONE);
    assert_sent(f, LOCK "; " FIND "; " KNOWN " is; " SEND "; " NOTE "; " COUNT);
    for (size_t i = 0; i < G_N_ELEMENTS(sent); i++) {
        if (sent[i] != NULL)
            g_assert_cmpstr(fake_pg_param(f->pg, SEND, 1 + i), ==, sent[i]);
    }
    /* The trace that died with the letter is over: this is the operator's. */
    g_assert_true(g_str_has_prefix(fake_pg_param(f->pg, SEND, 6), "00-" TRACE_ID "-"));
    assert_noted(f, "replayed");
    g_assert_true(g_str_has_suffix(fake_pg_sql(f->pg, LOCK), " for update"));
    g_assert_cmpint(f->service.asked, ==, 1);
}

static void test_a_discarded_letter_is_only_noted(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_letter(f, NULL);
    must_act(f, CH_DEAD_LETTER_DISCARDED);
    g_assert_cmpint(f->outcome.result, ==, CH_DEAD_LETTER_DONE);
    assert_sent(f, LOCK "; " FIND "; " NOTE "; " COUNT);
    assert_noted(f, "discarded");
}

static void test_an_unknown_letter_is_said_to_be(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_act(f, CH_DEAD_LETTER_REPLAYED);
    g_assert_cmpint(f->outcome.result, ==, CH_DEAD_LETTER_UNKNOWN);
    assert_sent(f, LOCK "; " FIND);
}

static void test_what_took_effect_is_not_replayed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_letter(f, NULL);
    put_in_inbox(f, true);
    must_act(f, CH_DEAD_LETTER_REPLAYED);
    assert_refused(f, "it took effect: good.queue has handled event " ID);
    assert_sent(f, LOCK "; " FIND "; " KNOWN " is");
    g_assert_cmpint(f->service.asked, ==, 0);
}

static void test_the_service_can_refuse_a_replay(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->service.blocker = "the order is final";
    put_letter(f, NULL);
    put_in_inbox(f, false);
    must_act(f, CH_DEAD_LETTER_REPLAYED);
    assert_refused(f, "the order is final");
    assert_sent(f, LOCK "; " FIND "; " KNOWN " is");
}

static void test_a_letter_is_acted_upon_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const done[] = { "replayed", "discarded" };
    for (size_t i = 0; i < G_N_ELEMENTS(done); i++) {
        g_autofree char *why = g_strdup_printf("it was %s by ana at", done[i]);
        put_letter(f, done[i]);
        must_act(f, CH_DEAD_LETTER_REPLAYED);
        assert_refused(f, why);
        put_letter(f, done[i]);
        must_act(f, CH_DEAD_LETTER_DISCARDED);
        assert_refused(f, why);
        assert_sent(f, LOCK "; " FIND);
    }
}

static void test_a_dry_run_decides_and_changes_nothing(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    put_letter(f, NULL);
    put_in_inbox(f, false);
    g_assert_true(act(f, CH_DEAD_LETTER_REPLAYED, true));
    g_assert_cmpint(f->outcome.result, ==, CH_DEAD_LETTER_DONE);
    assert_sent(f, FIND "; " KNOWN " is");
    put_letter(f, NULL);
    put_in_inbox(f, true);
    g_assert_true(act(f, CH_DEAD_LETTER_REPLAYED, true));
    assert_refused(f, "it took effect");
}

static void test_errors_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_pg_answer_error(f->pg, FIND, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(act(f, CH_DEAD_LETTER_REPLAYED, false));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_clear_error(&f->error);
    ch_pg_rollback(f->pg);
    put_letter(f, NULL);
    fake_pg_answer_error(f->pg, KNOWN, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(act(f, CH_DEAD_LETTER_REPLAYED, false));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test)                                                                            \
    g_test_add("/dead-letter-admin/" name, Fixture, NULL, set_up, test, tear_down)
#define ADD_PURE(name, test) g_test_add_func("/dead-letter-admin/" name, test)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD_PURE("a-good-one-is-decoded", test_a_good_one_is_decoded);
    ADD_PURE("what-would-die-again", test_what_would_die_again);
    ADD_PURE("what-cannot-be-decided-here", test_what_cannot_be_decided_here);
    ADD_PURE("an-act-is-not-repeated", test_an_act_is_not_repeated);
    ADD("a-replay-is-sent-and-noted", test_a_replay_is_sent_and_noted);
    ADD("a-discarded-letter-is-only-noted", test_a_discarded_letter_is_only_noted);
    ADD("an-unknown-letter-is-said-to-be", test_an_unknown_letter_is_said_to_be);
    ADD("what-took-effect-is-not-replayed", test_what_took_effect_is_not_replayed);
    ADD("the-service-can-refuse-a-replay", test_the_service_can_refuse_a_replay);
    ADD("a-letter-is-acted-upon-once", test_a_letter_is_acted_upon_once);
    ADD("a-dry-run-decides-and-changes-nothing", test_a_dry_run_decides_and_changes_nothing);
    ADD("errors-pass-through", test_errors_pass_through);
    return g_test_run();
}
