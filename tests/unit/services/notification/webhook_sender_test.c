/* A sender of webhooks in a real lane, with fakes for the database and for the post. */
#include "notification/worker/webhook_sender.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <fcntl.h>

enum {
    PATIENCE_US = 20 * 1000 * 1000,
    MAX_BATCH = 8,
    DISABLE_AFTER_MS = 7,
};

/* ---- fakes ---- */

typedef struct {
    NotificationWebhookStore base; /* first: the cast back is valid */
    size_t due;                    /* to be claimed */
    _Atomic size_t recorded;
    size_t recorded_failed;
    const char *record_fault; /* the next record is UNAVAILABLE; NULL: it is not */
    int64_t refused_attempt; /* records that hold it are refused by the database, but its failure */
} FakeStore;

static bool fake_claim(NotificationWebhookStore *self, bool apart, size_t max, int64_t lease_ms,
                       NotificationWebhook **webhooks, size_t *n, GError **error G_GNUC_UNUSED)
{
    FakeStore *store = (FakeStore *)self;
    g_assert_false(apart);
    g_assert_cmpint(lease_ms, ==, 1000);
    *n = MIN(store->due, max);
    for (size_t i = 0; i < *n; i++) {
        webhooks[i] = g_new0(NotificationWebhook, 1);
        webhooks[i]->attempt = (int64_t)(i % 2) + 1;
    }
    store->due -= *n;
    return true;
}

static bool is_refused(const FakeStore *store, const NotificationWebhook *webhook)
{
    return webhook->attempt == store->refused_attempt && webhook->error == NULL;
}

static bool fake_record(NotificationWebhookStore *self, const NotificationWebhook *const *webhooks,
                        size_t n, int64_t disable_after_ms, GError **error)
{
    FakeStore *store = (FakeStore *)self;
    g_assert_cmpint(disable_after_ms, ==, DISABLE_AFTER_MS);
    if (store->record_fault != NULL) {
        g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                            g_steal_pointer(&store->record_fault));
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_refused(store, webhooks[i])) {
            g_set_error_literal(error, CH_ERROR, CH_ERROR_FAILED, "the database dislikes it");
            return false;
        }
    }
    for (size_t i = 0; i < n; i++)
        store->recorded_failed += webhooks[i]->verdict == NOTIFICATION_REFUSED;
    atomic_fetch_add(&store->recorded, n);
    return true;
}

static const NotificationWebhookStoreOps store_ops = {
    .claim = fake_claim,
    .record = fake_record,
};

typedef struct {
    NotificationPost base;
    size_t sent;
} FakePost;

static void fake_send(NotificationPost *self, const NotificationWebhook *const *webhooks, size_t n,
                      NotificationWebhookReceipt *receipts)
{
    g_assert_nonnull(webhooks[0]);
    for (size_t i = 0; i < n; i++)
        receipts[i] = (NotificationWebhookReceipt){ .was_tried = true, .was_taken = true };
    ((FakePost *)self)->sent += n;
}

static const NotificationPostOps post_ops = { .send = fake_send };

static bool work_ok(ChWork *work G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true;
}

static void work_rollback(ChWork *work G_GNUC_UNUSED)
{
}

static const ChWorkOps work_ops = { work_ok, work_ok, work_rollback, work_ok, NULL };

/* ---- the fixture ---- */

typedef struct {
    ChWork work;
    FakeStore store;
    FakePost post;
    atomic_bool stopping;
    NotificationWebhookSender *sender;
    ChLane *lane;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->work.ops = &work_ops;
    f->store.base.ops = &store_ops;
    f->post.base.ops = &post_ops;
    const NotificationWebhookSenderConfig config = {
        .work = &f->work,
        .store = &f->store.base,
        .post = &f->post.base,
        .lease_ms = 1000,
        .disable_after_ms = DISABLE_AFTER_MS,
        .stopping = &f->stopping,
    };
    f->sender = notification_webhook_sender_new(&config);
    const ChLaneConfig lane = {
        .name = "webhooks",
        .max_batch = MAX_BATCH,
        .source = notification_webhook_sender_source(f->sender),
        .work = &f->work,
        .handler = notification_webhook_sender_run,
        .context = f->sender,
    };
    f->lane = ch_lane_new(&lane);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_lane_free(f->lane);
    notification_webhook_sender_free(f->sender);
}

/* Runs the lane until @n that are due are recorded. */
static void must_run(Fixture *f, size_t n)
{
    f->store.due = n;
    g_assert_true(ch_lane_start(f->lane, NULL));
    int64_t deadline_us = ch_time_monotonic_us() + PATIENCE_US;
    while (f->store.recorded < n && ch_time_monotonic_us() < deadline_us)
        g_usleep(1000);
    ch_lane_stop(f->lane);
    g_assert_true(ch_lane_join(f->lane, ch_time_monotonic_us() + PATIENCE_US));
    g_assert_cmpuint(f->store.recorded, ==, n);
}

/* ---- tests ---- */

static void test_sends_what_is_due(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_run(f, 3 * MAX_BATCH + 1);
    g_assert_cmpuint(f->post.sent, ==, 3 * MAX_BATCH + 1);
    g_assert_cmpuint(f->store.recorded_failed, ==, 0);
}

static void test_recording_again_does_not_send_again(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store.record_fault = "away";
    must_run(f, 3);
    g_assert_cmpuint(f->post.sent, ==, 3);
    g_assert_null(f->store.record_fault);
}

static void test_what_cannot_be_recorded_spares_its_neighbours(Fixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    f->store.refused_attempt = 2; /* every other one */
    must_run(f, 4);
    g_assert_cmpuint(f->post.sent, ==, 4);             /* halves are recorded again, not sent */
    g_assert_cmpuint(f->store.recorded_failed, ==, 0); /* they were sent: that stays true */
}

#define ADD(name, function)                                                                        \
    g_test_add("/notification/webhook-sender/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("webhook-sender-test", CH_LOG_ERROR);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ADD("sends-what-is-due", test_sends_what_is_due);
    ADD("recording-again-does-not-send-again", test_recording_again_does_not_send_again);
    ADD("what-cannot-be-recorded-spares-its-neighbours",
        test_what_cannot_be_recorded_spares_its_neighbours);
    return g_test_run();
}
