/* Which dead letters are asked for, and how a row is read. */
#include "chassis/messaging/dead_letter_store.h"

#include "fake_postgres.h"
#include "tests/stores/ids.h"

#include <string.h>

#define SELECT "select id, queue,"

enum {
    COLUMNS = 18 /* of a list: without the bodies */
};

typedef struct {
    ChPg *pg;
    GPtrArray *letters;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    g_clear_pointer(&f->letters, g_ptr_array_unref);
    fake_pg_free(f->pg);
}

static void must_list(Fixture *f, const ChDeadLetterFilter *filter)
{
    g_clear_pointer(&f->letters, g_ptr_array_unref);
    g_assert_true(ch_dead_letter_list(f->pg, filter, &f->letters, &f->error));
}

static void assert_params(Fixture *f, const char *const expected[7])
{
    for (size_t i = 0; i < 7; i++)
        g_assert_cmpstr(fake_pg_param(f->pg, SELECT, i), ==, expected[i]);
}

static void test_a_filter_is_parameters(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChDeadLetterFilter filter = {
        .queue = "a.queue",
        .message_type = "Good",
        .has_state = true,
        .state = CH_DEAD_LETTER_DISCARDED,
        .since_us = 7,
        .subject = fake_id(2),
        .after = fake_id(1),
        .limit = 10,
    };
    must_list(f, &filter);
    assert_params(f, (const char *const[]){ "00000000-0000-0000-0000-000000000001", "a.queue",
                                            "Good", "7", "discarded", "10",
                                            "00000000-0000-0000-0000-000000000002" });
}

static void test_without_a_filter_all_are_listed(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_list(f, &(ChDeadLetterFilter){ .limit = 100 });
    assert_params(f, (const char *const[]){ "00000000-0000-0000-0000-000000000000", "null", "null",
                                            "0", "null", "100", "null" });
    g_assert_cmpuint(f->letters->len, ==, 0);
}

/* A condition that some lists lack would be a plan that none has: whatever is asked for has a
 * statement of its own. */
static void test_each_choice_of_filters_has_its_own_statement(Fixture *f,
                                                              gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        ChDeadLetterFilter filter;
        const char *has;
        const char *lacks;
    } choices[] = {
        { { .limit = 1 }, "= 'waiting' and ($5 is null or $5 = 'waiting') and (died_at", "$2" },
        { { .limit = 1, .queue = "q" }, "= 'waiting') and queue = $2 and (died_at", "$2 is null" },
        { { .limit = 1, .queue = "q", .message_type = "t" },
          "= 'waiting') and queue = $2 and message_type = $3 and (died_at",
          "$3 is null" },
        { { .limit = 1, .message_type = "t" },
          "= 'waiting') and message_type = $3 and (died_at",
          "$2" },
        { { .limit = 1, .queue = "q", .subject = { { 1 } } }, "subject = $7 offset 0", "union" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(choices); i++) {
        must_list(f, &choices[i].filter);
        g_assert_nonnull(strstr(fake_pg_sql(f->pg, SELECT), choices[i].has));
        g_assert_null(strstr(fake_pg_sql(f->pg, SELECT), choices[i].lacks));
    }
}

static void test_a_row_is_a_letter(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue row[COLUMNS] = {
        FAKE_UUID(fake_id(1)), FAKE_TEXT("a.queue"),  FAKE_TEXT(NULL),   FAKE_TEXT("Good"),
        FAKE_TEXT(NULL),       FAKE_TEXT("failed"),   FAKE_INT(3),       FAKE_TIME(7),
        FAKE_INT(2),           FAKE_TEXT("replayed"), FAKE_TEXT("ana"),  FAKE_TEXT("cured"),
        FAKE_TIME(9),          FAKE_UUID(fake_id(2)), FAKE_TEXT("9f86"), FAKE_TEXT("token"),
        FAKE_UUID(fake_id(3)), FAKE_INT(5),
    };
    fake_pg_answer(f->pg, SELECT, row, COLUMNS, 1);
    must_list(f, &(ChDeadLetterFilter){ .limit = 1 });
    const ChDeadLetter *letter = g_ptr_array_index(f->letters, 0);
    assert_same_id(letter->id, fake_id(1));
    g_assert_cmpstr(letter->queue, ==, "a.queue");
    g_assert_null(letter->message_id);
    g_assert_cmpstr(letter->message_type, ==, "Good");
    g_assert_cmpstr(letter->reason, ==, "failed");
    g_assert_cmpint(letter->attempts, ==, 3);
    g_assert_cmpint(letter->died_us, ==, 7);
    g_assert_cmpint(letter->body_bytes, ==, 2);
    g_assert_null(letter->body);
    g_assert_cmpint(letter->state, ==, CH_DEAD_LETTER_REPLAYED);
    g_assert_cmpstr(letter->acted_by, ==, "ana");
    g_assert_cmpstr(letter->acted_why, ==, "cured");
    g_assert_cmpint(letter->acted_us, ==, 9);
    assert_same_id(letter->subject, fake_id(2));
    g_assert_cmpstr(letter->body_sha256, ==, "9f86");
    g_assert_cmpstr(letter->acted_as, ==, "token");
    g_assert_true(ch_uuid_equal(letter->replayed_as, fake_id(3)));
    g_assert_cmpuint(letter->edited_bytes, ==, 5);
}

static void test_an_error_is_no_empty_list(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChDeadLetterFilter filter = { .limit = 1 };
    fake_pg_answer_error(f->pg, SELECT, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(ch_dead_letter_list(f->pg, &filter, &f->letters, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test)                                                                            \
    g_test_add("/dead-letter-store/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("a-filter-is-parameters", test_a_filter_is_parameters);
    ADD("without-a-filter-all-are-listed", test_without_a_filter_all_are_listed);
    ADD("each-choice-of-filters-has-its-own-statement",
        test_each_choice_of_filters_has_its_own_statement);
    ADD("a-row-is-a-letter", test_a_row_is_a_letter);
    ADD("an-error-is-no-empty-list", test_an_error_is_no_empty_list);
    return g_test_run();
}
