/* What is old is deleted and emptied in batches, until there is no more. */
#include "notification/worker/upkeep.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <fcntl.h>

enum {
    HOUR_MS = 3600 * 1000,
};

/* ---- fakes ---- */

typedef struct {
    NotificationStore base; /* first: the cast back is valid */
    size_t old;
} FakeNotifications;

typedef struct {
    NotificationWebhookStore base; /* first: the cast back is valid */
    size_t old, overfull;
} FakeWebhooks;

/* Takes at most @max of *left. */
static size_t take(size_t *left, int64_t max)
{
    size_t n = MIN(*left, (size_t)max);
    *left -= n;
    return n;
}

static void assert_about(int64_t before_us, int64_t retention_ms)
{
    g_assert_cmpint(before_us, <=, ch_time_now_us() - retention_ms * 1000);
    g_assert_cmpint(before_us, >, ch_time_now_us() - (retention_ms + HOUR_MS) * 1000);
}

static bool fake_empty_old(NotificationStore *self, int64_t before_us, int64_t max, size_t *n,
                           GError **error G_GNUC_UNUSED)
{
    assert_about(before_us, 5 * HOUR_MS);
    *n = take(&((FakeNotifications *)self)->old, max);
    return true;
}

static bool fake_prune(NotificationWebhookStore *self, int64_t before_us, int64_t max, size_t *n,
                       GError **error G_GNUC_UNUSED)
{
    assert_about(before_us, 2 * HOUR_MS);
    *n = take(&((FakeWebhooks *)self)->old, max);
    return true;
}

static bool fake_disable_overfull(NotificationWebhookStore *self, int64_t max, size_t *n,
                                  GError **error G_GNUC_UNUSED)
{
    *n = take(&((FakeWebhooks *)self)->overfull, max);
    return true;
}

static const NotificationStoreOps notifications_ops = { .empty_old = fake_empty_old };
static const NotificationWebhookStoreOps webhooks_ops = {
    .prune = fake_prune,
    .disable_overfull = fake_disable_overfull,
};

/* ---- tests ---- */

/* How many ticks it takes until nobody asks for another one. */
static int ticks_for(size_t webhooks, size_t notifications)
{
    FakeNotifications log = { { &notifications_ops }, notifications };
    FakeWebhooks queue = { { &webhooks_ops }, webhooks, 1 };
    g_autoptr(ChTicker) ticker = ch_ticker_new(HOUR_MS);
    NotificationUpkeep upkeep = { &log.base, &queue.base, ticker, 5 * HOUR_MS, 2 * HOUR_MS };
    ChSource *source = ch_ticker_source(ticker);
    void *tick = NULL;
    size_t n = 1;
    int ticks = -1;
    while (n == 1) {
        g_assert_true(source->ops->take(source, &tick, 1, 0, &n, NULL));
        ticks++;
        if (n == 1)
            g_assert_true(notification_upkeep_run(&upkeep, &tick, 1, NULL));
    }
    g_assert_cmpuint(log.old + queue.old + queue.overfull, ==, 0);
    return ticks;
}

static void test_goes_on_while_there_is_more(void)
{
    g_assert_cmpint(ticks_for(12000, 0), ==, 3); /* two full batches, and what is left */
    g_assert_cmpint(ticks_for(0, 5000), ==, 3);
    g_assert_cmpint(ticks_for(4999, 1999), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("upkeep-test", CH_LOG_ERROR);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    g_test_add_func("/notification/upkeep/goes-on-while-there-is-more",
                    test_goes_on_while_there_is_more);
    return g_test_run();
}
