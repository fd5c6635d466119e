/* Housekeeping measures the outbox and prunes the inbox. */
#include "chassis/messaging/housekeeping.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include "fake_postgres.h"

#include <fcntl.h>
#include <string.h>

#define MEASURE "select (select count(*)"
#define PRUNE "delete from inbox"
#define HEAD "select number"

enum {
    NEVER_MS = 3600 * 1000,
    RETENTION_MS = 60 * 1000,
    PRUNE_BATCH = 5000,
};

typedef struct {
    ChPg *pg;
    ChTicker *ticker;
    ChHealth *health;
    ChControls *controls;
    ChHousekeeping *housekeeping;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue measured[] = { FAKE_INT(3), FAKE_INT(1500), FAKE_INT(2) };
    const FakeValue head[] = { FAKE_INT(7), FAKE_TEXT("c0ffee"), FAKE_INT(0xc0ffee) };
    f->pg = fake_pg_new();
    f->health = ch_health_new();
    f->controls = ch_controls_new(f->health);
    f->ticker = ch_ticker_new(NEVER_MS);
    f->housekeeping = ch_housekeeping_new(f->pg, f->ticker, RETENTION_MS, f->controls);
    fake_pg_answer_always(f->pg, MEASURE, measured, G_N_ELEMENTS(measured), 1);
    fake_pg_answer_always(f->pg, HEAD, head, G_N_ELEMENTS(head), 1);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_housekeeping_free(f->housekeeping);
    ch_controls_free(f->controls);
    ch_health_free(f->health);
    ch_ticker_free(f->ticker);
    fake_pg_free(f->pg);
}

/* True when a tick was due. */
static bool take_tick(Fixture *f)
{
    ChSource *source = ch_ticker_source(f->ticker);
    void *tick;
    size_t n = 0;
    g_assert_true(source->ops->take(source, &tick, 1, 0, &n, &f->error));
    return n == 1;
}

static bool run(Fixture *f)
{
    void *tick = f->ticker;
    fake_pg_forget(f->pg);
    return ch_housekeeping_run(f->housekeeping, &tick, 1, &f->error);
}

static void assert_metric(const char *line)
{
    GString *metrics = ch_metrics_render();
    g_assert_nonnull(strstr(metrics->str, line));
    g_string_free(metrics, TRUE);
}

static void test_gauges_show_the_outbox(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(run(f));
    g_assert_cmpstr(fake_pg_param(f->pg, MEASURE, 0), ==, "1000000"); /* it counts no further */
    assert_metric("\ncartwheel_outbox_pending 3\n");
    assert_metric("\ncartwheel_outbox_oldest_seconds 1.5\n");
    assert_metric("\ncartwheel_outbox_parked 2\n");
}

/* In the metrics, once a minute. */
static void test_the_head_of_the_audit_log_is_told(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(run(f));
    assert_metric("\ncartwheel_audit_rows 7\n");
    assert_metric("\ncartwheel_audit_link 12648430\n");
    g_assert_true(run(f));
    g_assert_null(strstr(fake_pg_sent(f->pg), HEAD));
}

static void test_what_is_older_than_the_retention_is_pruned(Fixture *f,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    int64_t earliest_us = ch_time_now_us() - RETENTION_MS * 1000;
    g_assert_true(run(f));
    int64_t before_us = g_ascii_strtoll(fake_pg_param(f->pg, PRUNE, 0), NULL, 10);
    g_assert_cmpint(before_us, >=, earliest_us);
    g_assert_cmpint(before_us, <=, ch_time_now_us() - RETENTION_MS * 1000);
    g_assert_cmpstr(fake_pg_param(f->pg, PRUNE, 1), ==, "5000");
}

static void test_a_full_batch_is_followed_at_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(take_tick(f)); /* the first is always due */
    fake_pg_answer_affected(f->pg, PRUNE, PRUNE_BATCH);
    g_assert_true(run(f));
    g_assert_true(take_tick(f));
    fake_pg_answer_affected(f->pg, PRUNE, 7);
    g_assert_true(run(f));
    assert_metric("\ncartwheel_inbox_pruned_total 5007\n");
    g_assert_false(take_tick(f));
    g_assert_true(run(f)); /* called all the same, it prunes nothing for a while */
    g_assert_null(strstr(fake_pg_sent(f->pg), PRUNE));
}

static void test_errors_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_pg_answer_error(f->pg, MEASURE, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_clear_error(&f->error);
    ch_pg_rollback(f->pg);
    fake_pg_answer_error(f->pg, PRUNE, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test) g_test_add("/housekeeping/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("gauges-show-the-outbox", test_gauges_show_the_outbox);
    ADD("the-head-of-the-audit-log-is-told", test_the_head_of_the_audit_log_is_told);
    ADD("what-is-older-than-the-retention-is-pruned",
        test_what_is_older_than_the_retention_is_pruned);
    ADD("a-full-batch-is-followed-at-once", test_a_full_batch_is_followed_at_once);
    ADD("errors-pass-through", test_errors_pass_through);
    return g_test_run();
}
