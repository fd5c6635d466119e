/* A subscription between a broker and a database that follow a script, driven as a lane drives it.
 */
#include "chassis/messaging/subscription.h"

#include "chassis/core/log.h"
#include "chassis/json/json_read.h"

#include "fake_broker.h"
#include "fake_postgres.h"
#include "tests/stores/ids.h"

#include <fcntl.h>
#include <string.h>

#define INBOX "insert into inbox"
#define OUTBOX "insert into outbox"
#define ID "00000000-0000-0000-0000-00000000000"

/* Parameters of the insert into the outbox. */
enum {
    OUTBOX_ROUTING_KEY = 3,
    OUTBOX_REASON = 9,
};

enum {
    MAX_ITEMS = 16
};

/* What the service behind the subscription does, and what it was asked. */
typedef struct {
    GString *handled; /* the numbers of the commands: "7 8 " */
    int given_up;
    bool announces;
    bool fails; /* with FAILED, whatever it is asked */
} Service;

typedef struct {
    ChPg *pg;
    ChConsumer *consumer;
    Service service;
    ChSubscription *subscription;
    ChSource *source;
    void *items[MAX_ITEMS];
    size_t n;
    GError *error;
} Fixture;

/* ---- the service ---- */

static const ChCommandType number_type = { "number", g_free };

static ChCommand decode(const ChEvent *event, ChViolations *violations)
{
    int64_t number;
    if (!ch_json_read_integer(event->data, "Number", CH_JSON_REQUIRED, 1, 9, &number, violations))
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &number_type, g_memdup2(&number, sizeof number) };
}

static bool succeed(const Service *service, GError **error)
{
    if (service->fails)
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the service fails");
    return !service->fails;
}

static bool handle(void *context, const ChCommand *commands, size_t n, GError **error)
{
    Service *service = context;
    g_autofree const int64_t **numbers = ch_commands_values(commands, n, &number_type);
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(service->handled, "%d ", (int)*numbers[i]);
    return succeed(service, error);
}

static bool give_up(void *context, const ChEvent *event, bool *announced, GError **error)
{
    Service *service = context;
    g_assert_false(ch_uuid_is_nil(event->id));
    service->given_up++;
    *announced = service->announces;
    return succeed(service, error);
}

static const ChQueue queue = { "a.queue", "events", "Good", "a.dlx" };

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->consumer = fake_consumer_new();
    f->service.handled = g_string_new(NULL);
    const ChSubscriptionConfig config = {
        .queue = &queue,
        .event_type = "Good",
        .decode = decode,
        .handle = handle,
        .give_up = give_up,
        .context = &f->service,
    };
    f->subscription = ch_subscription_new(&config, f->pg, f->consumer);
    f->source = ch_subscription_source(f->subscription);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_subscription_free(f->subscription);
    g_string_free(f->service.handled, TRUE);
    fake_consumer_free(f->consumer);
    fake_pg_free(f->pg);
}

/* ---- deliveries ---- */

static ChDelivery delivery_of(const char *body)
{
    return (ChDelivery){ .body = (uint8_t *)body, .body_bytes = strlen(body) };
}

/* Body of an event whose id and whose number are @number. */
static const char *good(unsigned number)
{
    g_autofree char *body = g_strdup_printf("{\"EventId\":\"" ID "%u\",\"EventType\":\"Good\","
                                            "\"Data\":{\"Number\":%u}}",
                                            number, number);
    return g_intern_string(body);
}

static void put(Fixture *f, const char *body, int retry_count)
{
    ChDelivery delivery = delivery_of(body);
    delivery.retry_count = retry_count;
    fake_consumer_put(f->consumer, &delivery);
}

/* By which the inbox knows a suspect of this body. */
static ChUuid fake_suspect(const char *body)
{
    static const ChUuid suspects = { { 0x3d, 0x5b, 0x90, 0x1e, 0xc2, 0x47, 0x4f, 0x0a, 0x8c, 0x71,
                                       0x2b, 0x64, 0xe8, 0x39, 0xd5, 0x10 } };
    return ch_uuid_derive(suspects, body, strlen(body));
}

static void put_too_large(Fixture *f)
{
    g_autofree uint8_t *body = g_malloc0(CH_EVENT_MAX_BYTES + 1);
    const ChDelivery delivery = { .body = body, .body_bytes = CH_EVENT_MAX_BYTES + 1 };
    fake_consumer_put(f->consumer, &delivery);
}

/* ---- the lane's steps ---- */

static void must_take(Fixture *f)
{
    g_assert_true(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
}

static bool run(Fixture *f)
{
    return ch_subscription_run(f->subscription, f->items, f->n, &f->error);
}

static void must_settle(Fixture *f)
{
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    f->source->ops->settle(f->source, f->items, f->n);
}

/* All that waits, from its delivery to its acknowledgement. */
static void must_process(Fixture *f)
{
    must_take(f);
    g_assert_true(run(f));
    must_settle(f);
}

/* The item alone, which failed because of "it broke". */
static bool fail_alone(Fixture *f)
{
    g_autoptr(GError) why = g_error_new_literal(CH_ERROR, CH_ERROR_FAILED, "it broke");
    g_assert_cmpuint(f->n, ==, 1);
    return f->source->ops->fail(f->source, f->items[0], why, &f->error);
}

static void assert_sent(Fixture *f, const char *statements)
{
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, statements);
}

static void assert_journal(Fixture *f, const char *journal)
{
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, journal);
}

/* The outbox got a message for @routing_key, because of @reason. */
static void assert_sent_on(Fixture *f, const char *routing_key, const char *reason)
{
    g_assert_cmpstr(fake_pg_param(f->pg, OUTBOX, OUTBOX_ROUTING_KEY), ==, routing_key);
    g_assert_nonnull(strstr(fake_pg_param(f->pg, OUTBOX, OUTBOX_REASON), reason));
}

/* ---- handling ---- */

static void test_fresh_events_are_handled_at_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue fresh[] = { FAKE_UUID(fake_id(1)), FAKE_UUID(fake_id(2)) };
    put(f, good(1), 0);
    put(f, good(2), 0);
    fake_pg_answer(f->pg, INBOX, fresh, 1, 2);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "1 2 ");
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 0), ==, "a.queue");
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 1), ==, ID "1|" ID "2");
    assert_sent(f, INBOX);
    assert_journal(f, "ack(1-2) ");
}

static void test_duplicates_are_acknowledged_unhandled(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    put(f, good(1), 0);
    put(f, good(2), 0);
    put(f, good(2), 0);
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(fake_id(2)), 1, 1);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "2 ");
    assert_journal(f, "ack(1-3) ");
}

static void test_with_duplicates_alone_nobody_is_asked(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    f->service.fails = true;
    put(f, good(1), 0);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "");
    assert_journal(f, "ack(1) ");
}

static void test_the_handlers_error_is_the_batchs(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->service.fails = true;
    put(f, good(1), 0);
    put(f, "no envelope", 0);
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(fake_id(1)), 1, 1);
    must_take(f);
    g_assert_false(run(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_FAILED);
    assert_sent(f, INBOX); /* what is wrong anyway waits for a run that succeeds */
    ch_pg_rollback(f->pg);
    f->source->ops->release(f->source, f->items, f->n);
}

static void test_a_lost_connection_is_the_lanes_to_know(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    fake_consumer_lose(f->consumer);
    g_assert_false(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

/* ---- what cannot be handled ---- */

static void test_what_is_no_envelope_is_dead_at_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put(f, "no envelope", 0);
    must_process(f);
    assert_sent(f, OUTBOX);
    assert_sent_on(f, "a.queue", "not an event");
    g_assert_cmpint(f->service.given_up, ==, 0); /* nobody knows what it was */
    assert_journal(f, "ack(1) ");
}

static void test_what_it_is_in_place_of_json_is_named(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *body, *encoding, *reason;
    } cases[] = {
        { "\xef\xbb\xbf{}", NULL, "the body begins with a byte order mark (UTF-8): not an event" },
        { "\xff\xfe{", NULL, "the body begins with a byte order mark (UTF-16): not an event" },
        { "\x1f\x8b\x08", "gzip", "content_encoding is gzip: the body is compressed by gzip: not" },
        { "?", "br", "content_encoding is br: not an event" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ChDelivery delivery = delivery_of(cases[i].body);
        delivery.content_encoding = (char *)cases[i].encoding;
        fake_consumer_put(f->consumer, &delivery);
        must_process(f);
        assert_sent_on(f, "a.queue", cases[i].reason);
    }
}

static void test_invalid_data_is_tried_again(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put(f, "{\"EventId\":\"" ID "1\",\"EventType\":\"Good\",\"Data\":{\"Number\":10}}", 0);
    must_process(f);
    assert_sent(f, OUTBOX);
    assert_sent_on(f, "a.queue.retry.1", "Data.Number must be at most 9");
    assert_journal(f, "ack(1) ");
}

static void test_a_wrong_type_is_tried_again(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put(f, "{\"EventId\":\"" ID "1\",\"EventType\":\"Bad\",\"Data\":{\"Number\":1}}", 1);
    must_process(f);
    assert_sent_on(f, "a.queue.retry.2", "EventType must be Good");
}

static void test_its_neighbours_are_handled(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put(f, good(1), 0);
    put(f, "no envelope", 0);
    put(f, good(3), 0);
    const FakeValue fresh[] = { FAKE_UUID(fake_id(1)), FAKE_UUID(fake_id(3)) };
    fake_pg_answer(f->pg, INBOX, fresh, 1, 2);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "1 3 ");
    assert_sent(f, INBOX "; " OUTBOX);
    assert_journal(f, "ack(1-3) ");
}

static void test_what_may_kill_us_goes_unread(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChDelivery unlucky = delivery_of(good(1));
    for (unlucky.delivery_count = 9; unlucky.delivery_count <= 10; unlucky.delivery_count++)
        fake_consumer_put(f->consumer, &unlucky);
    put_too_large(f);
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(fake_id(1)), 1, 1);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "1 "); /* once: the other one went unread */
    assert_sent(f, INBOX);
    assert_journal(f, "ack(1) give-up(2) give-up(3) ");
}

static void put_suspect(Fixture *f)
{
    ChDelivery delivery = delivery_of(good(1));
    delivery.delivery_count = 1;
    delivery.uncounted = true;
    delivery.suspect = true;
    fake_consumer_put(f->consumer, &delivery);
}

static void test_a_suspect_is_counted_before_it_is_handled(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    const char *const known[] = { "a.queue, unsettled 1", "a.queue, unsettled 2" };
    const ChUuid id = fake_suspect(good(1));
    put_suspect(f);
    fake_pg_answer(f->pg, INBOX, NULL, 0, 0); /* it is in the inbox as the first already */
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(id), 1, 1);
    must_take(f);
    assert_sent(f, INBOX "; " INBOX);
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 0), ==, known[1]);
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(fake_id(1)), 1, 1);
    g_assert_true(run(f));
    must_settle(f);
    g_assert_cmpstr(f->service.handled->str, ==, "1 ");
    assert_journal(f, "ack(1) ");
}

static void test_a_suspect_that_came_too_often_goes_unread(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    put_suspect(f); /* no statement has an answer: the inbox has every count */
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "");
    assert_journal(f, "give-up(1) ");
}

static void test_a_suspect_waits_for_the_database(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChUuid id = fake_suspect(good(1));
    put_suspect(f);
    fake_pg_answer_error(f->pg, INBOX, CH_ERROR_UNAVAILABLE, "away");
    g_assert_false(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_assert_cmpuint(f->n, ==, 0);
    g_clear_error(&f->error);
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(id), 1, 1);
    must_process(f);
    assert_journal(f, "keep-alive ack(1) ");
}

static void test_what_cannot_be_read_goes_unread(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery unreadable = { .unreadable = true, .delivery_count = 1 };
    put(f, good(1), 0);
    fake_consumer_put(f->consumer, &unreadable);
    fake_pg_answer(f->pg, INBOX, &FAKE_UUID(fake_id(1)), 1, 1);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "1 ");
    assert_sent(f, INBOX);
    assert_journal(f, "ack(1) reject(2) ");
}

static void
test_what_cannot_be_read_stays_where_rejecting_loses_it(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery unreadable = { .unreadable = true, .delivery_count = 1 };
    fake_consumer_drop_rejected(f->consumer);
    put(f, good(1), 0);
    fake_consumer_put(f->consumer, &unreadable);
    must_process(f);
    assert_journal(f, "ack(1) aside(2) ");
}

/* An acknowledgement covers all that came before, so what is given up must have had its turn. */
static void test_runs_are_acknowledged_between(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put_too_large(f);
    put(f, good(1), 0);
    put(f, good(2), 0);
    put_too_large(f);
    put(f, good(3), 0);
    must_process(f);
    assert_journal(f, "give-up(1) ack(2-3) give-up(4) ack(5) ");
}

/* ---- failing alone ---- */

static void test_attempts_before_the_last_are_retries(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const queues[] = { "a.queue.retry.1", "a.queue.retry.2" };
    for (int retry = 0; retry < CH_RETRIES; retry++) {
        put(f, good(1), retry);
        must_take(f);
        g_assert_true(fail_alone(f));
        assert_sent_on(f, queues[retry], "it broke");
        must_settle(f);
    }
    g_assert_cmpint(f->service.given_up, ==, 0);
    assert_sent(f, OUTBOX "; " OUTBOX); /* it may still take effect: no inbox row */
    assert_journal(f, "ack(1) ack(2) ");
}

static void test_the_last_attempt_is_given_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    put(f, good(1), CH_RETRIES);
    must_take(f);
    g_assert_true(fail_alone(f));
    must_settle(f);
    g_assert_cmpint(f->service.given_up, ==, 1);
    assert_sent(f, OUTBOX); /* nobody was told, so a replay may still have its effect */
    assert_sent_on(f, "a.queue", "it broke");
}

static void test_an_announced_end_is_final(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->service.announces = true;
    put(f, good(1), CH_RETRIES);
    must_take(f);
    g_assert_true(fail_alone(f));
    must_settle(f);
    assert_sent(f, INBOX "; " OUTBOX);
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 1), ==, ID "1");
}

static void test_failing_to_give_up_is_an_error(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->service.fails = true;
    put(f, good(1), CH_RETRIES);
    must_take(f);
    g_assert_false(fail_alone(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_FAILED);
    assert_sent(f, "");
    f->source->ops->abandon(f->source, f->items[0], f->error);
    assert_journal(f, "give-up(1) "); /* the broker keeps it in the dead letter queue */
}

/* ---- holding and stopping ---- */

static void test_held_messages_keep_the_connection_alive(Fixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    put(f, good(1), 0);
    put(f, good(2), 0);
    must_take(f);
    g_assert_true(f->source->ops->hold(f->source, f->items, f->n, NULL));
    f->source->ops->release(f->source, f->items, f->n);
    assert_journal(f, "keep-alive release(1) release(2) ");
}

static void test_closing_and_waking_reach_the_consumer(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    f->source->ops->wake(f->source);
    f->source->ops->close(f->source);
    assert_journal(f, "wake close ");
}

#define ADD(name, test) g_test_add("/subscription/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("fresh-events-are-handled-at-once", test_fresh_events_are_handled_at_once);
    ADD("duplicates-are-acknowledged-unhandled", test_duplicates_are_acknowledged_unhandled);
    ADD("with-duplicates-alone-nobody-is-asked", test_with_duplicates_alone_nobody_is_asked);
    ADD("the-handlers-error-is-the-batchs", test_the_handlers_error_is_the_batchs);
    ADD("a-lost-connection-is-the-lanes-to-know", test_a_lost_connection_is_the_lanes_to_know);
    ADD("what-is-no-envelope-is-dead-at-once", test_what_is_no_envelope_is_dead_at_once);
    ADD("what-it-is-in-place-of-json-is-named", test_what_it_is_in_place_of_json_is_named);
    ADD("invalid-data-is-tried-again", test_invalid_data_is_tried_again);
    ADD("a-wrong-type-is-tried-again", test_a_wrong_type_is_tried_again);
    ADD("its-neighbours-are-handled", test_its_neighbours_are_handled);
    ADD("what-may-kill-us-goes-unread", test_what_may_kill_us_goes_unread);
    ADD("what-cannot-be-read-goes-unread", test_what_cannot_be_read_goes_unread);
    ADD("a-suspect-is-counted-before-it-is-handled",
        test_a_suspect_is_counted_before_it_is_handled);
    ADD("a-suspect-that-came-too-often-goes-unread",
        test_a_suspect_that_came_too_often_goes_unread);
    ADD("a-suspect-waits-for-the-database", test_a_suspect_waits_for_the_database);
    ADD("what-cannot-be-read-stays-where-rejecting-loses-it",
        test_what_cannot_be_read_stays_where_rejecting_loses_it);
    ADD("runs-are-acknowledged-between", test_runs_are_acknowledged_between);
    ADD("attempts-before-the-last-are-retries", test_attempts_before_the_last_are_retries);
    ADD("the-last-attempt-is-given-up", test_the_last_attempt_is_given_up);
    ADD("an-announced-end-is-final", test_an_announced_end_is_final);
    ADD("failing-to-give-up-is-an-error", test_failing_to_give_up_is_an_error);
    ADD("held-messages-keep-the-connection-alive", test_held_messages_keep_the_connection_alive);
    ADD("closing-and-waking-reach-the-consumer", test_closing_and_waking_reach_the_consumer);
    return g_test_run();
}
