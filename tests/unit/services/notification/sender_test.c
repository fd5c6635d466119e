/* A sender in a real lane, with fakes for the database and the world. */
#include "notification/worker/sender.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "fakes.h"

#include <fcntl.h>

enum {
    PATIENCE_US = 20 * 1000 * 1000,
};

typedef struct {
    ChWork work;
    FakeStore store;
    FakeTemplates templates;
    FakeCustomers customers;
    FakeChannel email, sms;
    atomic_bool stopping;
    NotificationSender *sender;
    ChLane *lane;
} Fixture;

static bool work_ok(ChWork *work G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true;
}

static void work_rollback(ChWork *work G_GNUC_UNUSED)
{
}

static const ChWorkOps work_ops = { work_ok, work_ok, work_rollback, work_ok, NULL };

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->work.ops = &work_ops;
    fake_store_init(&f->store);
    fake_templates_init(&f->templates);
    fake_customers_init(&f->customers);
    fake_channel_init(&f->email);
    fake_channel_init(&f->sms);
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_EMAIL, "en", "s",
                       "{OrderNumber}");
    const NotificationSenderConfig config = {
        .work = &f->work,
        .store = &f->store.base,
        .templates = &f->templates.base,
        .gateways = { .customers = &f->customers.base,
                      .channels = { NULL, &f->email.base, &f->sms.base } },
        .lease_ms = 1000,
        .stopping = &f->stopping,
    };
    f->sender = notification_sender_new(&config);
    const ChLaneConfig lane = {
        .name = "sender",
        .max_batch = FAKE_MAX,
        .source = notification_sender_source(f->sender),
        .work = &f->work,
        .handler = notification_sender_run,
        .context = f->sender,
    };
    f->lane = ch_lane_new(&lane);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_lane_free(f->lane);
    notification_sender_free(f->sender);
    fake_channel_clear(&f->email);
    fake_channel_clear(&f->sms);
    fake_templates_clear(&f->templates);
    fake_store_clear(&f->store);
}

static void must_stop(Fixture *f)
{
    ch_lane_stop(f->lane);
    g_assert_true(ch_lane_join(f->lane, ch_time_monotonic_us() + PATIENCE_US));
}

/* Runs the lane until numbers 1 to @n are recorded. */
static void must_run(Fixture *f, size_t n)
{
    for (size_t i = 1; i <= n; i++)
        g_ptr_array_add(f->store.due, fake_delivery((int)i, 1));
    g_autoptr(GError) error = NULL;
    bool started = ch_lane_start(f->lane, &error);
    g_assert_no_error(error);
    g_assert_true(started);
    int64_t deadline_us = ch_time_monotonic_us() + PATIENCE_US;
    while (f->store.recorded < n && ch_time_monotonic_us() < deadline_us)
        g_usleep(1000);
    must_stop(f);
    g_assert_cmpuint(f->store.recorded, ==, n);
}

static void test_sends_what_is_due(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_run(f, 5);
    g_assert_cmpuint(f->email.sent, ==, 5);
    g_assert_cmpuint(f->store.recorded_failed, ==, 0);
}

static void test_a_server_away_is_tried_again(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store.fault = g_error_new_literal(CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
    must_run(f, 2);
    g_assert_cmpuint(f->email.sent, ==, 2);
}

static void test_recording_again_does_not_send_again(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store.record_fault = g_error_new_literal(CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
    must_run(f, 3);
    g_assert_cmpuint(f->email.sent, ==, 3);
    g_assert_null(f->store.record_fault);
}

static void test_what_cannot_be_recorded_spares_its_neighbours(Fixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    f->store.refused_body = "N-2";
    f->email.verdict = NOTIFICATION_DELIVERED;
    must_run(f, 4);
    g_assert_cmpuint(f->email.sent, ==, 4); /* halves are recorded again, not sent again */
    g_assert_cmpuint(f->store.recorded_failed, ==, 0); /* it was sent: that stays true */
}

static void test_stops_at_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(ch_lane_start(f->lane, NULL));
    int64_t start_us = ch_time_monotonic_us();
    must_stop(f);
    g_assert_cmpint(ch_time_monotonic_us() - start_us, <, PATIENCE_US / 4);
    g_assert_true(f->stopping);
}

#define ADD(name, function)                                                                        \
    g_test_add("/notification/sender/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("sender-test", CH_LOG_INFO);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ADD("sends-what-is-due", test_sends_what_is_due);
    ADD("a-server-away-is-tried-again", test_a_server_away_is_tried_again);
    ADD("recording-again-does-not-send-again", test_recording_again_does_not_send_again);
    ADD("what-cannot-be-recorded-spares-its-neighbours",
        test_what_cannot_be_recorded_spares_its_neighbours);
    ADD("stops-at-once", test_stops_at_once);
    return g_test_run();
}
