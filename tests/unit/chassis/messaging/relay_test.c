/* The relay against a database and a broker that follow a script. When it looks again is the
 * ticker's part and not tested here. */
#include "chassis/messaging/relay.h"

#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"

#include "fake_broker.h"
#include "fake_postgres.h"
#include "tests/stores/ids.h"

#include <fcntl.h>
#include <string.h>

#define CLAIM "select id, message_id,"
#define DELETE "delete from outbox"
#define POSTPONE "with postponed as"
#define ID "00000000-0000-0000-0000-00000000000"

enum {
    PERIOD_MS = 1000,
    COLUMNS = 13, /* of a claim */
    MAX_ROWS = 8,
};

typedef struct {
    ChPg *pg;
    ChPublisher *publisher;
    ChTicker *ticker;
    ChControl control;
    ChRelay *relay;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->publisher = fake_publisher_new();
    f->ticker = ch_ticker_new(PERIOD_MS);
    ch_control_init(&f->control, "order.relay", CH_CONTROL_RELAY);
    ch_control_set(&f->control, false);
    f->relay = ch_relay_new(f->pg, f->publisher, f->ticker, &f->control);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_relay_free(f->relay);
    ch_ticker_free(f->ticker);
    fake_publisher_free(f->publisher);
    fake_pg_free(f->pg);
}

/* ---- helpers ---- */

/* Row @number: its id and its message's id are that number. */
static void fill_row(FakeValue row[COLUMNS], unsigned number)
{
    char message_id[2] = { (char)('0' + number), '\0' };
    const FakeValue values[COLUMNS] = {
        FAKE_UUID(fake_id(number)),
        FAKE_TEXT(g_intern_string(message_id)),
        FAKE_TEXT("orders"),
        FAKE_TEXT("OrderCreatedEvent"),
        FAKE_TEXT("OrderCreatedEvent"),
        FAKE_BYTES("{}"),
        FAKE_TEXT(NULL), /* traceparent */
        FAKE_INT(0),
        FAKE_TEXT(NULL), /* failed queue */
        FAKE_TEXT(NULL), /* error */
        FAKE_BOOL(true),
        FAKE_TIME(0),
        FAKE_TEXT("the id as text"),
    };
    memcpy(row, values, sizeof values);
}

/* The next claim gives the rows from @first to @last. */
static void put(Fixture *f, unsigned first, unsigned last)
{
    FakeValue rows[MAX_ROWS][COLUMNS];
    for (unsigned number = first; number <= last; number++)
        fill_row(rows[number - first], number);
    fake_pg_answer(f->pg, CLAIM, rows[0], COLUMNS, last - first + 1);
}

static bool run(Fixture *f)
{
    void *tick = f->ticker;
    fake_pg_forget(f->pg);
    return ch_relay_run(f->relay, &tick, 1, &f->error);
}

/* A run that may commit. */
static void must_run(Fixture *f)
{
    g_assert_true(run(f));
    g_assert_no_error(f->error);
    g_assert_true(ch_pg_commit(f->pg, &f->error));
}

/* A run over the rows from @first to @last, which may commit. */
static void must_run_over(Fixture *f, unsigned first, unsigned last)
{
    put(f, first, last);
    must_run(f);
}

/* The last run sent just these statements, as fake_pg_sent() shows them. */
static void assert_sent(Fixture *f, const char *statements)
{
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, statements);
}

static void assert_claimed(Fixture *f, const char *limit)
{
    g_assert_cmpstr(fake_pg_param(f->pg, CLAIM, 0), ==, limit);
}

static void assert_deleted(Fixture *f, const char *ids)
{
    g_assert_cmpstr(fake_pg_param(f->pg, DELETE, 0), ==, ids);
}

static void assert_postponed(Fixture *f, const char *ids, const char *reason)
{
    g_assert_cmpstr(fake_pg_param(f->pg, POSTPONE, 0), ==, ids);
    g_assert_cmpstr(fake_pg_param(f->pg, POSTPONE, 1), ==, reason);
}

/* ---- publishing ---- */

static void test_what_is_confirmed_is_deleted(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_run_over(f, 1, 3);
    assert_claimed(f, "1000");
    assert_deleted(f, ID "1|" ID "2|" ID "3");
    assert_sent(f, CLAIM "; " DELETE);
    g_assert_cmpstr(fake_publisher_journal(f->publisher), ==, "[1 2 3] ");
}

static void test_the_whole_row_is_published(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    FakeValue row[COLUMNS];
    fill_row(row, 1);
    row[6] = FAKE_TEXT("00-trace-span-01");
    row[11] = FAKE_TIME(7);
    fake_pg_answer(f->pg, CLAIM, row, COLUMNS, 1);
    must_run(f);
    g_assert_cmpstr(fake_publisher_last(f->publisher), ==,
                    "exchange: orders\nrouting_key: OrderCreatedEvent\nbody: {}\nmessage_id: 1\n"
                    "type: OrderCreatedEvent\ntraceparent: 00-trace-span-01\ncreated_us: 7\n"
                    "mandatory: 1\n");
}

/* By its row's id a second delivery of a dead letter is known as the same one. */
static void test_a_failed_message_carries_its_rows_id(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    FakeValue row[COLUMNS];
    fill_row(row, 1);
    row[7] = FAKE_INT(3);
    row[8] = FAKE_TEXT("a.queue");
    row[9] = FAKE_TEXT("it failed");
    fake_pg_answer(f->pg, CLAIM, row, COLUMNS, 1);
    must_run(f);
    g_assert_nonnull(strstr(fake_publisher_last(f->publisher),
                            "failed_queue: a.queue\nerror: it failed\n"
                            "dead_letter_id: the id as text\nretry_count: 3\n"));
}

static void test_an_empty_outbox_keeps_the_connection_alive(Fixture *f,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    must_run(f);
    assert_sent(f, CLAIM);
    g_assert_cmpstr(fake_publisher_journal(f->publisher), ==, "idle ");
    fake_publisher_lose(f->publisher);
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

static void test_without_a_claim_nothing_is_published(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    fake_pg_answer_error(f->pg, CLAIM, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_assert_cmpstr(fake_publisher_journal(f->publisher), ==, "");
}

/* ---- what is not confirmed ---- */

static void test_unconfirmed_rows_stay(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put(f, 1, 3);
    fake_publisher_lose(f->publisher);
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    assert_sent(f, CLAIM);
}

static void test_returned_rows_are_postponed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_publisher_set_outcome(f->publisher, "1", CH_PUBLISH_RETURNED);
    fake_publisher_set_outcome(f->publisher, "3", CH_PUBLISH_RETURNED);
    must_run_over(f, 1, 4);
    assert_sent(f, CLAIM "; " POSTPONE "; " DELETE);
    assert_postponed(f, ID "1|" ID "3", "no queue takes it");
    assert_deleted(f, ID "2|" ID "4");
}

static void test_refused_rows_are_postponed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_publisher_set_outcome(f->publisher, "2", CH_PUBLISH_REFUSED);
    must_run_over(f, 1, 3);
    assert_sent(f, CLAIM "; " POSTPONE "; " DELETE);
    assert_postponed(f, ID "2", "the broker refuses it");
    assert_deleted(f, ID "1|" ID "3");
}

static void test_after_the_last_attempt_a_row_is_parked(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue parked[] = { FAKE_UUID(fake_id(1)), FAKE_TEXT("OrderCreatedEvent"),
                                 FAKE_TEXT(NULL) };
    fake_publisher_set_outcome(f->publisher, "1", CH_PUBLISH_RETURNED);
    fake_pg_answer(f->pg, POSTPONE, parked, 3, 1);
    must_run_over(f, 1, 1);
    g_assert_cmpstr(fake_pg_param(f->pg, POSTPONE, 2), ==, "20"); /* attempts */
    GString *metrics = ch_metrics_render();
    g_assert_nonnull(strstr(metrics->str, "\ncartwheel_outbox_parked_total 1\n"));
    g_string_free(metrics, TRUE);
}

/* ---- how much is claimed ---- */

static void test_the_guilty_row_alone_is_postponed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_publisher_blame(f->publisher, "3");
    must_run_over(f, 1, 4);
    assert_sent(f, CLAIM);
    must_run_over(f, 1, 2);
    assert_claimed(f, "2");
    assert_deleted(f, ID "1|" ID "2");
    must_run_over(f, 3, 4);
    assert_sent(f, CLAIM);
    must_run_over(f, 3, 3);
    assert_claimed(f, "1");
    assert_sent(f, CLAIM "; " POSTPONE);
    assert_postponed(f, ID "3", "the broker closed the channel");
    must_run_over(f, 4, 4);
    assert_deleted(f, ID "4");
    g_assert_cmpstr(fake_publisher_journal(f->publisher), ==, "[1 2 3 4] [1 2] [3 4] [3] [4] ");
}

static void
test_what_was_too_much_to_confirm_is_claimed_in_halves(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    put(f, 1, 8);
    fake_publisher_lose(f->publisher);
    g_assert_false(run(f));
    g_clear_error(&f->error);
    must_run_over(f, 1, 4);
    assert_claimed(f, "4");
}

static void test_success_doubles_the_claim(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const limits[] = { "1",  "2",   "4",   "8",   "16",   "32",
                                          "64", "128", "256", "512", "1000", "1000" };
    put(f, 1, 1);
    fake_publisher_lose(f->publisher);
    g_assert_false(run(f));
    g_clear_error(&f->error);
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        must_run_over(f, 1, 1);
        assert_claimed(f, limits[i]);
    }
}

static void test_paused_it_keeps_its_connection_alone(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    ch_control_set(&f->control, true);
    g_assert_true(run(f));
    g_assert_cmpstr(fake_publisher_journal(f->publisher), ==, "idle ");
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, "");
    ch_control_set(&f->control, false);
    must_run_over(f, 1, 2);
    g_assert_cmpstr(fake_publisher_journal(f->publisher), ==, "idle [1 2] ");
}

#define ADD(name, test) g_test_add("/relay/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("what-is-confirmed-is-deleted", test_what_is_confirmed_is_deleted);
    ADD("the-whole-row-is-published", test_the_whole_row_is_published);
    ADD("a-failed-message-carries-its-rows-id", test_a_failed_message_carries_its_rows_id);
    ADD("an-empty-outbox-keeps-the-connection-alive",
        test_an_empty_outbox_keeps_the_connection_alive);
    ADD("without-a-claim-nothing-is-published", test_without_a_claim_nothing_is_published);
    ADD("unconfirmed-rows-stay", test_unconfirmed_rows_stay);
    ADD("returned-rows-are-postponed", test_returned_rows_are_postponed);
    ADD("refused-rows-are-postponed", test_refused_rows_are_postponed);
    ADD("after-the-last-attempt-a-row-is-parked", test_after_the_last_attempt_a_row_is_parked);
    ADD("the-guilty-row-alone-is-postponed", test_the_guilty_row_alone_is_postponed);
    ADD("what-was-too-much-to-confirm-is-claimed-in-halves",
        test_what_was_too_much_to_confirm_is_claimed_in_halves);
    ADD("paused-it-keeps-its-connection-alone", test_paused_it_keeps_its_connection_alone);
    ADD("success-doubles-the-claim", test_success_doubles_the_claim);
    return g_test_run();
}
