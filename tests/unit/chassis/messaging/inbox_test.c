/* The inbox tells what is new. */
#include "chassis/messaging/inbox.h"

#include "fake_postgres.h"
#include "tests/stores/ids.h"

#define RECORD "insert into inbox"

typedef struct {
    ChPg *pg;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    fake_pg_free(f->pg);
}

static void test_a_new_event_is_fresh(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid id = fake_id(1);
    bool fresh = false;
    fake_pg_answer(f->pg, RECORD, &FAKE_UUID(id), 1, 1);
    g_assert_true(ch_inbox_record(f->pg, "a.queue", &id, 1, &fresh, &f->error));
    g_assert_true(fresh);
    g_assert_cmpstr(fake_pg_param(f->pg, RECORD, 0), ==, "a.queue");
    g_assert_cmpstr(fake_pg_param(f->pg, RECORD, 1), ==, "00000000-0000-0000-0000-000000000001");
}

static void test_a_duplicate_is_not(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid ids[] = { fake_id(1), fake_id(2), fake_id(3) };
    bool fresh[3] = { true, false, true };
    fake_pg_answer(f->pg, RECORD, &FAKE_UUID(ids[1]), 1, 1);
    g_assert_true(ch_inbox_record(f->pg, "a.queue", ids, 3, fresh, &f->error));
    g_assert_false(fresh[0]);
    g_assert_true(fresh[1]);
    g_assert_false(fresh[2]);
}

static void test_only_the_first_of_two_equal_ids_is(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid ids[] = { fake_id(1), fake_id(2), fake_id(1) };
    const FakeValue rows[] = { FAKE_UUID(ids[0]), FAKE_UUID(ids[1]) };
    bool fresh[3] = { false, false, true };
    fake_pg_answer(f->pg, RECORD, rows, 1, 2);
    g_assert_true(ch_inbox_record(f->pg, "a.queue", ids, 3, fresh, &f->error));
    g_assert_true(fresh[0]);
    g_assert_true(fresh[1]);
    g_assert_false(fresh[2]);
}

static void test_known_ids_come_in_the_order_asked(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid ids[] = { fake_id(2), fake_id(1) };
    const FakeValue rows[] = { FAKE_BOOL(false), FAKE_BOOL(true) };
    bool known[2] = { true, false };
    fake_pg_answer(f->pg, "select i.event_id", rows, 1, 2);
    g_assert_true(ch_inbox_knows(f->pg, "a.queue", ids, 2, known, &f->error));
    g_assert_false(known[0]);
    g_assert_true(known[1]);
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, "select i.event_id is");
}

static void test_errors_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid id = fake_id(1);
    bool answer = false;
    fake_pg_answer_error(f->pg, RECORD, CH_ERROR_UNAVAILABLE, "deadlock");
    g_assert_false(ch_inbox_record(f->pg, "a.queue", &id, 1, &answer, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_clear_error(&f->error);
    ch_pg_rollback(f->pg);
    fake_pg_answer_error(f->pg, "select i.event_id", CH_ERROR_FAILED, "odd");
    g_assert_false(ch_inbox_knows(f->pg, "a.queue", &id, 1, &answer, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_FAILED);
}

#define ADD(name, test) g_test_add("/inbox/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("a-new-event-is-fresh", test_a_new_event_is_fresh);
    ADD("a-duplicate-is-not", test_a_duplicate_is_not);
    ADD("only-the-first-of-two-equal-ids-is", test_only_the_first_of_two_equal_ids_is);
    ADD("known-ids-come-in-the-order-asked", test_known_ids_come_in_the_order_asked);
    ADD("errors-pass-through", test_errors_pass_through);
    return g_test_run();
}
