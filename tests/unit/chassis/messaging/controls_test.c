/* What the rows say is what the process does, its metrics and its health show. */
#include "chassis/messaging/controls.h"

#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"

#include "fake_postgres.h"

#include <fcntl.h>
#include <string.h>

#define LIST "select name, paused_at"
#define ADD_ROWS "insert into controls"

enum {
    COLUMNS = 5
};

typedef struct {
    ChPg *pg;
    ChHealth *health;
    ChControls *controls;
    ChControl *queue, *relay;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->health = ch_health_new();
    f->controls = ch_controls_new(f->health);
    f->queue = ch_controls_add(f->controls, "a.queue", CH_CONTROL_CONSUMER);
    f->relay = ch_controls_add(f->controls, "a.relay", CH_CONTROL_RELAY);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_controls_free(f->controls);
    ch_health_free(f->health);
    fake_pg_free(f->pg);
}

/* The rows of the next look: the queue's, paused for 90 s or not, and the relay's, which runs. */
static void put_rows(Fixture *f, bool paused)
{
    const FakeValue rows[2][COLUMNS] = {
        { FAKE_TEXT("a.relay"), FAKE_BOOL(false), FAKE_INT(0), FAKE_TEXT(NULL), FAKE_TEXT(NULL) },
        { FAKE_TEXT("a.queue"), FAKE_BOOL(paused), FAKE_INT(90 * 1000), FAKE_TEXT("jo"),
          FAKE_TEXT("a bad build") },
    };
    fake_pg_answer(f->pg, LIST, rows[0], COLUMNS, 2);
}

static void must_look(Fixture *f)
{
    bool ok = ch_controls_look(f->controls, f->pg, &f->error);
    g_assert_no_error(f->error);
    g_assert_true(ok);
}

static void assert_metric(const char *line)
{
    GString *metrics = ch_metrics_render();
    g_assert_nonnull(strstr(metrics->str, line));
    g_string_free(metrics, TRUE);
}

static void assert_health(Fixture *f, bool details, const char *member)
{
    bool ready = false;
    GString *json = ch_health_render(f->health, details, &ready);
    g_assert_true(ready);
    if (member != NULL)
        g_assert_nonnull(strstr(json->str, member));
    else
        g_assert_null(strstr(json->str, "paused"));
    g_string_free(json, TRUE);
}

static void test_what_has_no_row_is_added_and_runs(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_false(ch_control_runs(f->queue));
    must_look(f);
    g_assert_true(ch_control_runs(f->queue));
    g_assert_true(ch_control_runs(f->relay));
    g_assert_cmpstr(fake_pg_param(f->pg, ADD_ROWS, 0), ==, "a.queue|a.relay");
    g_assert_cmpstr(fake_pg_param(f->pg, ADD_ROWS, 1), ==, "consumer|relay");
}

static void test_a_pause_is_obeyed_and_shown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_rows(f, true);
    must_look(f);
    g_assert_true(ch_control_paused(f->queue));
    g_assert_true(ch_control_runs(f->relay));
    assert_metric("\ncartwheel_control_paused_seconds{control=\"a.queue\"} 90\n");
    assert_metric("\ncartwheel_control_paused_seconds{control=\"a.relay\"} 0\n");
    assert_health(f, true, "\"paused\":[\"a.queue\"]");
    assert_health(f, false, NULL); /* operators alone see it */
    g_assert_null(strstr(fake_pg_sent(f->pg), ADD_ROWS));
}

static void test_its_end_is_too(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_rows(f, true);
    must_look(f);
    put_rows(f, false);
    must_look(f);
    g_assert_true(ch_control_runs(f->queue));
    assert_metric("\ncartwheel_control_paused_seconds{control=\"a.queue\"} 0\n");
    assert_health(f, true, NULL);
}

static void test_while_nobody_can_look_all_stays(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_rows(f, true);
    must_look(f);
    fake_pg_answer_error(f->pg, LIST, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(ch_controls_look(f->controls, f->pg, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_assert_true(ch_control_paused(f->queue));
    g_assert_true(ch_control_runs(f->relay));
}

#define ADD(name, test) g_test_add("/controls/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("what-has-no-row-is-added-and-runs", test_what_has_no_row_is_added_and_runs);
    ADD("a-pause-is-obeyed-and-shown", test_a_pause_is_obeyed_and_shown);
    ADD("its-end-is-too", test_its_end_is_too);
    ADD("while-nobody-can-look-all-stays", test_while_nobody_can_look_all_stays);
    return g_test_run();
}
