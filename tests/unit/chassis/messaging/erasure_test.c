/* Erasing what is held of a person, a piece at a time. */
#include "chassis/messaging/erasure.h"

#include "fake_postgres.h"

#define LETTERS "with held as"
#define PARKED "update outbox_parked"
#define OWN "delete from own"

static const ChPgStatement sql_own = { OWN " where a = $1 limit $2", { CH_PG_UUID, CH_PG_INT } };
static const ChErasurePart own[] = { { "own", &sql_own } };

static const ChUuid person = { { 0x01, 0x90, 0xa0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1 } };
static const char person_text[] = "0190a000-0000-7000-8000-000000000001";

typedef struct {
    ChPg *pg;
    ChErasure *erasure;
    ChErased erased;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->erasure = ch_erasure_new(f->pg, own, G_N_ELEMENTS(own));
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_erasure_free(f->erasure);
    fake_pg_free(f->pg);
}

static void test_every_part_is_of_that_person(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const statements[] = { OWN, LETTERS, PARKED };
    fake_pg_answer_affected(f->pg, OWN, 7);
    fake_pg_answer_affected(f->pg, LETTERS, 2);
    g_assert_true(ch_erasure_run(f->erasure, person, 10, &f->erased, &f->error));
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
        g_assert_cmpstr(fake_pg_param(f->pg, statements[i], 0), ==, person_text);
        g_assert_cmpstr(fake_pg_param(f->pg, statements[i], 1), ==, "10");
    }
    g_assert_true(f->erased.done);
    g_assert_cmpuint(f->erased.parts, ==, 3);
    g_assert_cmpstr(f->erased.names[0], ==, "own");
    g_assert_cmpint(f->erased.rows[0], ==, 7);
    g_assert_cmpstr(f->erased.names[1], ==, "deadLetters");
    g_assert_cmpint(f->erased.rows[1], ==, 2);
    g_assert_cmpstr(f->erased.names[2], ==, "parkedFailures");
    g_assert_cmpint(f->erased.rows[2], ==, 0);
}

static void test_a_full_piece_means_that_there_may_be_more(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    fake_pg_answer_affected(f->pg, LETTERS, 10);
    g_assert_true(ch_erasure_run(f->erasure, person, 10, &f->erased, &f->error));
    g_assert_false(f->erased.done);
    g_assert_true(ch_erasure_run(f->erasure, person, 10, &f->erased, &f->error));
    g_assert_true(f->erased.done);
}

static void test_errors_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_pg_answer_error(f->pg, PARKED, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(ch_erasure_run(f->erasure, person, 10, &f->erased, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test) g_test_add("/erasure/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("every-part-is-of-that-person", test_every_part_is_of_that_person);
    ADD("a-full-piece-means-that-there-may-be-more",
        test_a_full_piece_means_that_there_may_be_more);
    ADD("errors-pass-through", test_errors_pass_through);
    return g_test_run();
}
