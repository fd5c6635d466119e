/* Laps of the auditor, against a database that follows a script. */
#include "chassis/messaging/auditor.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include "fake_postgres.h"

#include <fcntl.h>
#include <string.h>

#define WRITTEN "select coalesce(sum(n_tup_ins"
#define CLAIM "select position, lap"
#define MAKE "insert into auditor_checks"
#define ADVANCE "update auditor_checks"
#define FIRST_LOOK "select look at first"
#define SECOND_LOOK "select look at second"
#define NOTE "with found as"
#define FORGET "delete from auditor_findings"
#define COUNT "select count(*) from auditor_findings"

enum {
    LAP_MS = 60 * 60 * 1000,
    PERIOD_MS = 1000,
    FIRST_ROWS = 200,
    LEAST_ROWS = 50,
};

static const ChPgStatement first_look = { FIRST_LOOK, { CH_PG_TEXT, CH_PG_INT } };
static const ChPgStatement second_look = { SECOND_LOOK, { CH_PG_TEXT, CH_PG_INT } };
static const ChAuditorCheck checks[] = {
    { "first", &first_look },
    { "second", &second_look },
};

typedef struct {
    ChPg *pg;
    ChTicker *ticker;
    ChAuditor *auditor;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->ticker = ch_ticker_new(PERIOD_MS);
    f->auditor = ch_auditor_new(f->pg, f->ticker, LAP_MS, checks, G_N_ELEMENTS(checks));
    fake_pg_answer_always(f->pg, COUNT, &FAKE_INT(0), 1, 1);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_auditor_free(f->auditor);
    ch_ticker_free(f->ticker);
    g_clear_error(&f->error);
    fake_pg_free(f->pg);
}

/* True when a tick was due within a second. */
static bool take_tick(Fixture *f)
{
    ChSource *source = ch_ticker_source(f->ticker);
    void *tick;
    size_t n = 0;
    g_assert_true(source->ops->take(source, &tick, 1, PERIOD_MS, &n, &f->error));
    return n == 1;
}

static bool run(Fixture *f)
{
    void *tick = f->ticker;
    fake_pg_forget(f->pg);
    return ch_auditor_run(f->auditor, &tick, 1, &f->error);
}

static void must_run(Fixture *f)
{
    g_assert_true(run(f));
    g_assert_no_error(f->error);
}

static void written(Fixture *f, int64_t rows)
{
    fake_pg_answer(f->pg, WRITTEN, &FAKE_INT(rows), 1, 1);
}

/* The next check is at @position of lap @lap. */
static void stands_at(Fixture *f, const char *position, int64_t lap)
{
    const FakeValue row[] = { FAKE_TEXT(position), FAKE_INT(lap), FAKE_INT(1500) };
    fake_pg_answer(f->pg, CLAIM, row, G_N_ELEMENTS(row), 1);
}

/* The next piece, by statement @sql, ends at @position with @rows; @fault NULL: all is well. */
static void sees(Fixture *f, const char *sql, const char *position, int64_t rows, const char *fault)
{
    const FakeValue row[] = { FAKE_TEXT(position), FAKE_INT(rows), FAKE_TEXT("it"),
                              FAKE_TEXT(fault) };
    fake_pg_answer(f->pg, sql, row, G_N_ELEMENTS(row), 1);
}

static void assert_metric(const char *line)
{
    GString *metrics = ch_metrics_render();
    g_assert_nonnull(strstr(metrics->str, line));
    g_string_free(metrics, TRUE);
}

static bool was_sent(Fixture *f, const char *sql)
{
    return strstr(fake_pg_sent(f->pg), sql) != NULL;
}

static void
test_a_lap_goes_through_the_checks_one_after_the_other(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    stands_at(f, "", 4);
    sees(f, FIRST_LOOK, "m", 20, NULL);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, FIRST_LOOK, 0), ==, "");
    g_assert_cmpstr(fake_pg_param(f->pg, FIRST_LOOK, 1), ==, "200");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 1), ==, "m");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 2), ==, "4");
    assert_metric("\ncartwheel_auditor_rows_total{check=\"first\"} 20\n");

    stands_at(f, "m", 4);
    must_run(f); /* there are no more rows */
    g_assert_cmpstr(fake_pg_param(f->pg, FIRST_LOOK, 0), ==, "m");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 1), ==, "");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 2), ==, "5");
    g_assert_cmpstr(fake_pg_param(f->pg, FORGET, 1), ==, "4");
    assert_metric("\ncartwheel_auditor_lap_seconds{check=\"first\"} 1.5\n");

    g_assert_true(take_tick(f)); /* after a moment */
    stands_at(f, "", 9);
    must_run(f); /* the second table is empty */
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, "second");
    g_assert_false(take_tick(f)); /* until the next lap */
}

static void run_a_short_lap(Fixture *f)
{
    stands_at(f, "", 1);
    must_run(f);
    stands_at(f, "", 1);
    must_run(f);
}

static void test_no_lap_begins_while_nobody_writes(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    run_a_short_lap(f);
    written(f, 7);
    must_run(f);
    g_assert_false(was_sent(f, "select position,"));
    written(f, 6); /* the server has begun to count anew */
    run_a_short_lap(f);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, "second");
}

static void test_what_is_wrong_is_noted_with_its_lap(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue fresh[] = { FAKE_TEXT("it"), FAKE_TEXT("odd") };
    written(f, 7);
    stands_at(f, "a", 3);
    sees(f, FIRST_LOOK, "b", 1, "odd");
    fake_pg_answer(f->pg, NOTE, fresh, G_N_ELEMENTS(fresh), 1);
    fake_pg_answer(f->pg, COUNT, &FAKE_INT(2), 1, 1);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 0), ==, "first");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 1), ==, "3");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 2), ==, "it");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 3), ==, "odd");
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 4), ==, "1000");
    assert_metric("\ncartwheel_auditor_findings{check=\"first\"} 2\n");
}

static void test_what_is_wrong_at_the_very_end_is_noted_too(Fixture *f,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    stands_at(f, "z", 3);
    sees(f, FIRST_LOOK, "z", 0, "odd");
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, NOTE, 3), ==, "odd");
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 2), ==, "4");
}

static void test_a_piece_that_gets_nowhere_is_longer_next_time(Fixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    stands_at(f, "a", 3);
    sees(f, FIRST_LOOK, "a", FIRST_ROWS, NULL);
    must_run(f);
    stands_at(f, "a", 3);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, FIRST_LOOK, 1), ==, "400");
}

static void
test_a_piece_that_took_too_long_is_the_least_next_time(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    stands_at(f, "a", 3);
    fake_pg_answer_error(f->pg, FIRST_LOOK, CH_ERROR_UNAVAILABLE, "timeout");
    fake_pg_time_out(f->pg);
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_clear_error(&f->error);
    ch_pg_rollback(f->pg);
    stands_at(f, "a", 3);
    must_run(f);
    g_assert_cmpint(g_ascii_strtoll(fake_pg_param(f->pg, FIRST_LOOK, 1), NULL, 10), ==, LEAST_ROWS);
}

static void
test_a_check_that_is_refused_does_not_stop_the_others(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    stands_at(f, "nonsense", 3);
    fake_pg_answer_error(f->pg, FIRST_LOOK, CH_ERROR_FAILED, "invalid input syntax");
    must_run(f);
    stands_at(f, "", 3);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, "second");
}

static void test_a_new_check_makes_its_row(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, MAKE, 0), ==, "first");
    g_assert_false(was_sent(f, "select look"));
}

static void test_a_lap_that_another_copy_ended_is_ended(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    written(f, 7);
    stands_at(f, "a", 3);
    sees(f, FIRST_LOOK, "b", 1, NULL);
    must_run(f);
    stands_at(f, "", 4);
    must_run(f);
    g_assert_false(was_sent(f, "select look"));
    stands_at(f, "", 1);
    must_run(f);
    g_assert_cmpstr(fake_pg_param(f->pg, ADVANCE, 0), ==, "second");
}

#define ADD(name, test) g_test_add("/auditor/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("a-lap-goes-through-the-checks", test_a_lap_goes_through_the_checks_one_after_the_other);
    ADD("no-lap-begins-while-nobody-writes", test_no_lap_begins_while_nobody_writes);
    ADD("what-is-wrong-is-noted-with-its-lap", test_what_is_wrong_is_noted_with_its_lap);
    ADD("what-is-wrong-at-the-end-is-noted", test_what_is_wrong_at_the_very_end_is_noted_too);
    ADD("a-piece-that-gets-nowhere-grows", test_a_piece_that_gets_nowhere_is_longer_next_time);
    ADD("a-piece-that-times-out-shrinks", test_a_piece_that_took_too_long_is_the_least_next_time);
    ADD("a-refused-check-stops-no-other", test_a_check_that_is_refused_does_not_stop_the_others);
    ADD("a-new-check-makes-its-row", test_a_new_check_makes_its_row);
    ADD("a-lap-of-another-copy-ends", test_a_lap_that_another_copy_ended_is_ended);
    return g_test_run();
}
