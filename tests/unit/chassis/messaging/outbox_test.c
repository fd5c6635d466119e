/* What is written into the outbox. */
#include "chassis/messaging/outbox.h"

#include "fake_postgres.h"
#include "tests/stores/ids.h"

#define INSERT "insert into outbox"
#define TRACE_ID "0123456789abcdef0123456789abcdef"
#define TRACEPARENT "00-" TRACE_ID "-0123456789abcdef-01"

/* Parameters of the insert, but for the row's own id. */
enum {
    MESSAGE_ID = 1,
    EXCHANGE,
    ROUTING_KEY,
    TYPE,
    BODY,
    TRACEPARENTS,
    RETRY_COUNT,
    FAILED_QUEUE,
    REASON,
    MANDATORY,
};

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

static void assert_param(Fixture *f, size_t index, const char *expected)
{
    g_assert_cmpstr(fake_pg_param(f->pg, INSERT, index), ==, expected);
}

static ChOutboxEvent event_of(unsigned number, const char *type, const char *body)
{
    ChOutboxEvent event = { .id = fake_id(number), .type = type, .body = g_string_new(body) };
    g_assert_true(ch_trace_parse(TRACEPARENT, &event.trace));
    return event;
}

static void test_events_are_rows_of_one_statement(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChOutboxEvent events[] = { event_of(1, "OrderCreatedEvent", "{1}"),
                                     event_of(2, "OrderCancelledEvent", "{2}") };
    g_assert_true(ch_outbox_add_events(f->pg, "orders", true, events, 2, &f->error));
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, INSERT);
    assert_param(f, MESSAGE_ID,
                 "00000000-0000-0000-0000-000000000001|00000000-0000-0000-0000-000000000002");
    assert_param(f, EXCHANGE, "orders|orders");
    assert_param(f, ROUTING_KEY, "OrderCreatedEvent|OrderCancelledEvent");
    assert_param(f, TYPE, "OrderCreatedEvent|OrderCancelledEvent");
    assert_param(f, BODY, "{1}|{2}");
    assert_param(f, TRACEPARENTS, TRACEPARENT "|" TRACEPARENT);
    assert_param(f, RETRY_COUNT, "0|0");
    assert_param(f, FAILED_QUEUE, "null|null");
    assert_param(f, REASON, "null|null");
    assert_param(f, MANDATORY, "1|1");
}

static void test_rows_are_in_the_order_of_their_ids(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChOutboxMessage messages[3] = { { .exchange = "" },
                                          { .exchange = "" },
                                          { .exchange = "" } };
    g_assert_true(ch_outbox_add(f->pg, messages, 3, &f->error));
    g_auto(GStrv) ids = g_strsplit(fake_pg_param(f->pg, INSERT, 0), "|", -1);
    g_assert_cmpuint(g_strv_length(ids), ==, 3);
    g_assert_cmpstr(ids[0], <, ids[1]);
    g_assert_cmpstr(ids[1], <, ids[2]);
}

static void test_a_retry_carries_why_and_where(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChOutboxMessage retry = {
        .message_id = "an id of somebody",
        .exchange = "",
        .routing_key = "a.queue.retry.1",
        .type = "OrderCreatedEvent",
        .body = "{}",
        .body_bytes = 2,
        .traceparent = TRACEPARENT,
        .failed_queue = "a.queue",
        .error = "it failed",
        .retry_count = 1,
        .mandatory = true,
    };
    g_assert_true(ch_outbox_add(f->pg, &retry, 1, &f->error));
    assert_param(f, MESSAGE_ID, "an id of somebody");
    assert_param(f, EXCHANGE, "");
    assert_param(f, ROUTING_KEY, "a.queue.retry.1");
    assert_param(f, RETRY_COUNT, "1");
    assert_param(f, FAILED_QUEUE, "a.queue");
    assert_param(f, REASON, "it failed");
    assert_param(f, MANDATORY, "1");
}

static void test_what_a_message_lacks_is_null(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChOutboxMessage bare = { .exchange = "", .routing_key = "a.queue" };
    g_assert_true(ch_outbox_add(f->pg, &bare, 1, &f->error));
    assert_param(f, MESSAGE_ID, "null");
    assert_param(f, TYPE, "null");
    assert_param(f, BODY, ""); /* the column is not null */
    assert_param(f, TRACEPARENTS, "null");
    assert_param(f, MANDATORY, "0");
}

static void test_nothing_sends_nothing(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(ch_outbox_add(f->pg, NULL, 0, &f->error));
    g_assert_true(ch_outbox_add_events(f->pg, "orders", true, NULL, 0, &f->error));
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, "");
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    g_assert_cmpuint(fake_pg_announced(f->pg), ==, 0);
}

static void test_a_commit_is_announced_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChOutboxMessage message = { .exchange = "", .routing_key = "a.queue" };
    const ChOutboxEvent event = event_of(1, "OrderCreatedEvent", "{}");
    g_assert_true(ch_outbox_add(f->pg, &message, 1, &f->error));
    g_assert_true(ch_outbox_add(f->pg, &message, 1, &f->error));
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    g_assert_cmpuint(fake_pg_announced(f->pg), ==, 1);
    g_assert_true(ch_outbox_add_events(f->pg, "orders", true, &event, 1, &f->error));
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    g_assert_cmpuint(fake_pg_announced(f->pg), ==, 2);
}

static void test_the_insert_waits_for_no_answer(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChOutboxMessage message = { .exchange = "", .routing_key = "a.queue" };
    fake_pg_answer_error(f->pg, INSERT, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_true(ch_outbox_add(f->pg, &message, 1, &f->error));
    g_assert_false(ch_pg_commit(f->pg, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test) g_test_add("/outbox/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("events-are-rows-of-one-statement", test_events_are_rows_of_one_statement);
    ADD("rows-are-in-the-order-of-their-ids", test_rows_are_in_the_order_of_their_ids);
    ADD("a-retry-carries-why-and-where", test_a_retry_carries_why_and_where);
    ADD("what-a-message-lacks-is-null", test_what_a_message_lacks_is_null);
    ADD("nothing-sends-nothing", test_nothing_sends_nothing);
    ADD("a-commit-is-announced-once", test_a_commit_is_announced_once);
    ADD("the-insert-waits-for-no-answer", test_the_insert_waits_for_no_answer);
    return g_test_run();
}
