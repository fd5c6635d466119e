/* What is told of orders, and when, against a database that follows a script. */
#include "chassis/messaging/outcomes.h"

#include "chassis/core/time.h"
#include "chassis/messaging/outcomes_event.h"

#include "fake_postgres.h"

#include <string.h>

#define CLAIM "select position,"
#define MAKE "insert into auditor_checks"
#define ADVANCE "update auditor_checks"
#define NEWEST "select event_id from inbox"
#define OPEN "select distinct subject"
#define LOOK "select look"
#define TELL "insert into outbox"
#define BEGAN "01900000-0000-0000-0000-000000000000"
#define TOLD "01900000-1000-0000-0000-000000000000"
#define SETTLED "01900000-2000-0000-0000-000000000000"

enum {
    ROWS = 2000,
    BODY = 5, /* parameters of TELL */
    EXCHANGE = 2,
    ROUTING_KEY = 3,
    MANDATORY = 10,
    PERIOD_MS = 60 * 1000,
};

static const ChPgStatement look = { LOOK, { CH_PG_UUID, CH_PG_UUID, CH_PG_INT } };
static const ChOutcomes outcomes = { "stock", &look, NULL, "a.queue" };

typedef struct {
    ChPg *pg;
    ChOutcomesTeller *teller;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->teller = ch_outcomes_teller_new(f->pg, &outcomes, (ChOutcomesPace){ PERIOD_MS, 1000 });
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_outcomes_teller_free(f->teller);
    g_clear_error(&f->error);
    fake_pg_free(f->pg);
}

static ChUuid id_of(const char *text)
{
    ChUuid id;
    g_assert_true(ch_uuid_parse(text, strlen(text), &id));
    return id;
}

static void stands_at(Fixture *f, const char *position)
{
    const FakeValue row[] = { FAKE_TEXT(position), FAKE_UUID(id_of(SETTLED)) };
    fake_pg_answer(f->pg, CLAIM, row, G_N_ELEMENTS(row), 1);
}

/* @n orders with one unit each, from order @first on. */
static void sees(Fixture *f, const char *first, size_t n)
{
    g_autofree FakeValue *rows = g_new0(FakeValue, 2 * n);
    ChUuid id = id_of(first);
    for (size_t i = 0; i < n; i++) {
        id.bytes[14] = (uint8_t)(i / 256);
        id.bytes[15] = (uint8_t)i;
        rows[2 * i] = FAKE_UUID(id);
        rows[2 * i + 1] = FAKE_INT(1);
    }
    fake_pg_answer(f->pg, LOOK, rows, 2, n);
}

static void must_run(Fixture *f)
{
    fake_pg_forget(f->pg);
    g_assert_true(ch_outcomes_teller_run(f->teller, &f->error));
    g_assert_no_error(f->error);
}

static bool is_due_at_once(Fixture *f)
{
    return ch_outcomes_teller_due_us(f->teller) <
           ch_time_monotonic_us() + PERIOD_MS * INT64_C(1000) / 2;
}

static void test_it_begins_where_nothing_was_told_yet(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    must_run(f);
    g_assert_nonnull(strstr(fake_pg_sent(f->pg), MAKE));
    stands_at(f, "");
    must_run(f);
    g_assert_null(strstr(fake_pg_sent(f->pg), TELL));
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, SETTLED " " SETTLED " " SETTLED);
}

static void test_what_is_new_is_told_and_then_a_lap(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    stands_at(f, BEGAN " " TOLD " " BEGAN);
    sees(f, TOLD, 3);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, LOOK, 0), ==, TOLD);
    g_assert_cmpstr(fake_pg_param(f->pg, LOOK, 1), ==, SETTLED);
    g_assert_cmpstr(fake_pg_param(f->pg, TELL, EXCHANGE), ==, "");
    g_assert_cmpstr(fake_pg_param(f->pg, TELL, ROUTING_KEY), ==, "order.digests");
    g_assert_cmpstr(fake_pg_param(f->pg, TELL, MANDATORY), ==, "0");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, BEGAN " " SETTLED " " BEGAN);
    g_assert_true(is_due_at_once(f));

    stands_at(f, BEGAN " " SETTLED " " TOLD);
    sees(f, TOLD, 3);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, LOOK, 0), ==, TOLD);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, BEGAN " " SETTLED " " BEGAN);
    g_assert_false(is_due_at_once(f));
}

static void test_a_full_range_ends_with_its_last_order(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    stands_at(f, BEGAN " " TOLD " " BEGAN);
    sees(f, TOLD, ROWS);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==,
                    BEGAN " 01900000-1000-0000-0000-0000000007cf " BEGAN);
}

/* Where new ones never end, old ones have their turn. */
static void test_laps_do_not_wait_for_an_end(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (int turn = 0; turn < 4; turn++) {
        stands_at(f, BEGAN " " TOLD " " BEGAN);
        sees(f, turn % 2 == 0 ? TOLD : BEGAN, ROWS);
        must_run(f);
        g_assert_cmpstr(fake_pg_param(f->pg, LOOK, 0), ==, turn % 2 == 0 ? TOLD : BEGAN);
    }
}

/* What was taken in just now says nothing yet: others may be behind, or be tried again. */
static void test_a_queue_is_as_far_as_it_was_for_a_while(Fixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    static const int64_t settled_after_ms[] = { 60 * 60 * 1000, 0 };
    const FakeValue newest[] = { FAKE_UUID(id_of("01900000-0fff-8000-0000-0000000000aa")) };
    for (size_t i = 0; i < G_N_ELEMENTS(settled_after_ms); i++) {
        ChOutcomesTeller *teller = ch_outcomes_teller_new(
            f->pg, &outcomes, (ChOutcomesPace){ PERIOD_MS, settled_after_ms[i] });
        for (int run = 0; run < 2; run++) {
            stands_at(f, BEGAN " " TOLD " " BEGAN);
            fake_pg_answer(f->pg, NEWEST, newest, 1, 1);
            fake_pg_answer(f->pg, NEWEST, newest, 1, 1);
            sees(f, TOLD, ROWS);
            fake_pg_forget(f->pg);
            g_assert_true(ch_outcomes_teller_run(teller, &f->error));
            const char *body = fake_pg_param(f->pg, TELL, BODY);
            bool is_known = strstr(body, "\"CancelledThrough\":\"1970") == NULL;
            g_assert_cmpint(is_known, ==, run == 1 && settled_after_ms[i] == 0);
        }
        ch_outcomes_teller_free(teller);
    }
}

static void test_the_event_is_read_as_it_was_written(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue newest[] = { FAKE_UUID(id_of("01900000-0fff-8000-0000-0000000000aa")) };
    const FakeValue letter[] = { FAKE_UUID(id_of("01900000-1000-0000-0000-000000000001")) };
    stands_at(f, BEGAN " " TOLD " " BEGAN);
    fake_pg_answer(f->pg, NEWEST, newest, 1, 1);
    fake_pg_answer(f->pg, NEWEST, newest, 1, 1);
    fake_pg_answer(f->pg, OPEN, letter, 1, 1);
    sees(f, TOLD, 3);
    must_run(f);
    const char *body = fake_pg_param(f->pg, TELL, BODY);
    g_autoptr(ChEvent) event = ch_event_parse(body, strlen(body), NULL, &f->error);
    g_assert_no_error(f->error);
    g_assert_cmpstr(event->type, ==, CH_OUTCOMES_EVENT);
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChOutcomesDigest digest = { .open = NULL };
    ch_outcomes_event_read(event->data, &digest, violations);
    g_assert_cmpuint(ch_violations_count(violations), ==, 0);
    g_assert_true(ch_uuid_equal(digest.after, id_of(TOLD)));
    g_assert_true(ch_uuid_equal(digest.up_to, id_of(SETTLED)));
    g_assert_cmpint(digest.taken_us - digest.settled_us, ==, G_USEC_PER_SEC);
    g_assert_cmpint(digest.confirmed_through_us, ==, 0);
    g_assert_cmpint(digest.cancelled_through_us, ==, G_USEC_PER_SEC); /* unknown */
    g_assert_cmpuint(digest.open->len, ==, 1);
    ChDigest expected = { .seed = (uint64_t)digest.taken_us };
    for (uint8_t i = 0; i < 3; i++) {
        ChUuid id = id_of(TOLD);
        id.bytes[15] = i;
        ch_digest_add(&expected, id, 1);
    }
    g_assert_true(memcmp(&digest.digest, &expected, sizeof expected) == 0);
    ch_outcomes_digest_clear(&digest);
}

#define ADD(name, test) g_test_add("/outcomes/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("begins", test_it_begins_where_nothing_was_told_yet);
    ADD("new-then-lap", test_what_is_new_is_told_and_then_a_lap);
    ADD("full", test_a_full_range_ends_with_its_last_order);
    ADD("turns", test_laps_do_not_wait_for_an_end);
    ADD("progress", test_a_queue_is_as_far_as_it_was_for_a_while);
    ADD("event", test_the_event_is_read_as_it_was_written);
    return g_test_run();
}
