/* What becomes of a message that failed: an outbox row. */
#include "chassis/messaging/failure.h"

#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"

#include "fake_postgres.h"

#include <fcntl.h>
#include <string.h>

#define INSERT "insert into outbox"
#define MAX_REASON_CHARS 500

/* Parameters of the insert. */
enum {
    MESSAGE_ID = 1,
    EXCHANGE,
    ROUTING_KEY,
    TYPE,
    BODY,
    TRACEPARENT,
    RETRY_COUNT,
    FAILED_QUEUE,
    REASON,
    MANDATORY,
};

static const ChQueue queue = { "a.queue", "events", "Good", "a.dlx" };

typedef struct {
    ChPg *pg;
    ChDelivery delivery;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->delivery = (ChDelivery){
        .body = (uint8_t *)"{7}",
        .body_bytes = 3,
        .message_id = (char *)"m1",
        .type = (char *)"Good",
        .traceparent = (char *)"00-trace-span-01",
    };
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    fake_pg_free(f->pg);
}

static void assert_param(Fixture *f, size_t index, const char *expected)
{
    g_assert_cmpstr(fake_pg_param(f->pg, INSERT, index), ==, expected);
}

/* The message goes on as it came. */
static void assert_untouched(Fixture *f)
{
    assert_param(f, MESSAGE_ID, "m1");
    assert_param(f, TYPE, "Good");
    assert_param(f, BODY, "{7}");
    assert_param(f, TRACEPARENT, "00-trace-span-01");
    assert_param(f, FAILED_QUEUE, "a.queue");
    assert_param(f, MANDATORY, "1");
}

static void test_each_attempt_has_its_retry_queue(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const queues[] = { "a.queue.retry.1", "a.queue.retry.2" };
    static const char *const counts[] = { "1", "2" };
    for (int retry = 0; retry < CH_RETRIES; retry++) {
        f->delivery.retry_count = retry;
        g_assert_true(ch_failure_retry(f->pg, &queue, &f->delivery, "it failed", &f->error));
        assert_untouched(f);
        assert_param(f, EXCHANGE, "");
        assert_param(f, ROUTING_KEY, queues[retry]);
        assert_param(f, RETRY_COUNT, counts[retry]);
        assert_param(f, REASON, "it failed");
    }
}

static void test_a_dead_letter_goes_to_its_exchange(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->delivery.retry_count = CH_RETRIES;
    g_assert_true(ch_failure_dead_letter(f->pg, &queue, &f->delivery, "it failed", &f->error));
    assert_untouched(f);
    assert_param(f, EXCHANGE, "a.dlx");
    assert_param(f, ROUTING_KEY, "a.queue");
    assert_param(f, RETRY_COUNT, "3");
    assert_param(f, REASON, "it failed");
}

/* A reason travels in a header. */
static void test_a_long_reason_is_cut_between_characters(Fixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    GString *why = g_string_new(NULL);
    for (int i = 0; i <= MAX_REASON_CHARS; i++)
        g_string_append(why, "\xc3\xbc");
    g_assert_true(ch_failure_dead_letter(f->pg, &queue, &f->delivery, why->str, &f->error));
    g_string_truncate(why, 2 * MAX_REASON_CHARS);
    assert_param(f, REASON, why->str);
    g_assert_true(ch_failure_retry(f->pg, &queue, &f->delivery, why->str, &f->error));
    assert_param(f, REASON, why->str);
    g_string_free(why, TRUE);
}

static void test_counters_show_0_from_the_start(Fixture *f G_GNUC_UNUSED,
                                                gconstpointer unused G_GNUC_UNUSED)
{
    static const ChQueue quiet = { "quiet.queue", "events", "Good", "a.dlx" };
    ch_failure_register(&quiet);
    GString *text = ch_metrics_render();
    g_assert_nonnull(
        strstr(text->str, "cartwheel_messages_retried_total{queue=\"quiet.queue\"} 0\n"));
    g_assert_nonnull(
        strstr(text->str, "cartwheel_messages_dead_lettered_total{queue=\"quiet.queue\"} 0\n"));
    g_string_free(text, TRUE);
}

#define ADD(name, test) g_test_add("/failure/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("each-attempt-has-its-retry-queue", test_each_attempt_has_its_retry_queue);
    ADD("a-dead-letter-goes-to-its-exchange", test_a_dead_letter_goes_to_its_exchange);
    ADD("a-long-reason-is-cut-between-characters", test_a_long_reason_is_cut_between_characters);
    ADD("counters-show-0-from-the-start", test_counters_show_0_from_the_start);
    return g_test_run();
}
