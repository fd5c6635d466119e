/* From a dead letter queue into the table, between a broker and a database that follow a script. */
#include "chassis/messaging/dead_letters.h"

#include "chassis/core/log.h"
#include "chassis/messaging/event.h"

#include "fake_broker.h"
#include "fake_postgres.h"

#include <fcntl.h>
#include <string.h>

#define INSERT "with letter as"
#define OWN_ID "0192f3a4-b5c6-7d8e-9f00-112233445566"

/* Parameters of the insert. */
enum {
    LETTER_ID,
    QUEUE,
    MESSAGE_ID,
    TYPE,
    BODY,
    REASON,
    ATTEMPTS,
    TRACEPARENT,
    BODY_BYTES,
    BODY_SHA256,
    SUBJECT,
};

enum {
    MAX_ITEMS = 4
};

typedef struct {
    ChPg *pg;
    ChConsumer *consumer;
    ChDeadLetters *dead_letters;
    ChSource *source;
    void *items[MAX_ITEMS];
    size_t n;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->consumer = fake_consumer_new();
    f->dead_letters = ch_dead_letters_new("a.queue", "OrderId", f->pg, f->consumer);
    f->source = ch_dead_letters_source(f->dead_letters);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_dead_letters_free(f->dead_letters);
    fake_consumer_free(f->consumer);
    fake_pg_free(f->pg);
}

/* A letter of ours: its consumer wrote why. */
static ChDelivery ours(void)
{
    return (ChDelivery){
        .body = (uint8_t *)"{7}",
        .body_bytes = 3,
        .message_id = (char *)"m1",
        .type = (char *)"Good",
        .traceparent = (char *)"00-trace-span-01",
        .error = (char *)"it failed",
        .dead_letter_id = (char *)OWN_ID,
        .retry_count = 3,
    };
}

static void must_take(Fixture *f)
{
    g_assert_true(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
}

static void must_store(Fixture *f, const ChDelivery *delivery)
{
    fake_consumer_put(f->consumer, delivery);
    must_take(f);
    g_assert_true(ch_dead_letters_run(f->dead_letters, f->items, f->n, &f->error));
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    f->source->ops->settle(f->source, f->items, f->n);
}

static void assert_param(Fixture *f, size_t index, const char *expected)
{
    g_assert_cmpstr(fake_pg_param(f->pg, INSERT, index), ==, expected);
}

/* The letter got an id that was made here. */
static void assert_new_id(Fixture *f)
{
    ChUuid id;
    const char *text = fake_pg_param(f->pg, INSERT, LETTER_ID);
    g_assert_true(ch_uuid_parse(text, strlen(text), &id));
    g_assert_cmpstr(text, !=, OWN_ID);
    g_assert_false(ch_uuid_is_nil(id));
}

static void test_ours_keeps_its_id_and_reason(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery delivery = ours();
    must_store(f, &delivery);
    assert_param(f, LETTER_ID, OWN_ID);
    assert_param(f, QUEUE, "a.queue");
    assert_param(f, MESSAGE_ID, "m1");
    assert_param(f, TYPE, "Good");
    assert_param(f, BODY, "{7}");
    assert_param(f, REASON, "it failed");
    assert_param(f, ATTEMPTS, "3");
    assert_param(f, TRACEPARENT, "00-trace-span-01");
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "ack(1) ");
}

static void test_a_batch_is_one_statement(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery delivery = ours();
    const ChDelivery bare = { .death_reason = (char *)"rejected" };
    fake_consumer_put(f->consumer, &delivery);
    must_store(f, &bare);
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, INSERT);
    assert_param(f, QUEUE, "a.queue|a.queue");
    assert_param(f, MESSAGE_ID, "m1|null");
    assert_param(f, BODY, "{7}|"); /* empty, not null */
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "ack(1-2) ");
}

static void test_the_brokers_says_why_it_went_unread(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChDelivery delivery = ours();
    delivery.death_reason = (char *)"rejected";
    delivery.dead_letter_id = NULL;
    must_store(f, &delivery);
    assert_new_id(f);
    assert_param(f, REASON, "given up unread: rejected; earlier: it failed");
    delivery.error = NULL;
    must_store(f, &delivery);
    assert_param(f, REASON, "given up unread: rejected");
}

static void test_a_foreign_one_is_stored_as_well(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery delivery = { .dead_letter_id = (char *)"no id" };
    must_store(f, &delivery);
    assert_new_id(f);
    assert_param(f, REASON, "given up unread: unknown");
}

static void test_an_unreadable_one_is_moved_on_after_its_row(Fixture *f,
                                                             gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery readable = ours();
    const ChDelivery unreadable = { .unreadable = true };
    fake_consumer_put(f->consumer, &readable);
    must_store(f, &unreadable);
    assert_param(f, BODY, "{7}|");
    assert_param(f, REASON,
                 "it failed|the AMQP library cannot read its properties, so it has no body here: it"
                 " lies in queue a.queue.unread");
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "ack(1) reject(2) ");
}

static void
test_an_unreadable_one_stays_where_rejecting_loses_it(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery unreadable = { .unreadable = true };
    fake_consumer_drop_rejected(f->consumer);
    must_store(f, &unreadable);
    g_autofree char *id = g_strdup(fake_pg_param(f->pg, INSERT, LETTER_ID));
    assert_param(f, REASON,
                 "the AMQP library cannot read its properties, so it has no body here: it lies in"
                 " queue a.queue.dlq, as does every other one of this kind");
    must_store(f, &unreadable);
    assert_param(f, LETTER_ID, id);
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "aside(1) aside(2) ");
}

static void test_a_large_body_is_the_reason(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree uint8_t *body = g_malloc(CH_EVENT_MAX_BYTES + 1);
    memset(body, 'x', CH_EVENT_MAX_BYTES + 1);
    const ChDelivery delivery = { .body = body,
                                  .body_bytes = CH_EVENT_MAX_BYTES + 1,
                                  .death_reason = (char *)"rejected" };
    must_store(f, &delivery);
    assert_param(f, REASON, "the body has 1048577 bytes, more than 1048576");
    g_assert_cmpuint(strlen(fake_pg_param(f->pg, INSERT, BODY)), ==, CH_EVENT_MAX_BYTES);
    assert_param(f, BODY_BYTES, "1048577");
}

#define EVENT_ID "0192f3a4-b5c6-7d8e-9f00-000000000001"
#define ORDER_ID "0192f3a4-b5c6-7d8e-9f00-000000000002"

static void test_an_event_says_its_id_and_what_it_is_about(Fixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    const char *body = "{\"EventId\":\"" EVENT_ID "\",\"Data\":{\"OrderId\":\"" ORDER_ID "\"}}";
    ChDelivery delivery = ours();
    delivery.body = (uint8_t *)body;
    delivery.body_bytes = strlen(body);
    must_store(f, &delivery);
    assert_param(f, MESSAGE_ID, "m1"); /* the sender's word goes first */
    assert_param(f, SUBJECT, ORDER_ID);
    delivery.message_id = NULL;
    must_store(f, &delivery);
    assert_param(f, MESSAGE_ID, EVENT_ID);
}

static void test_two_bodies_with_one_id_are_two_letters(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery delivery = ours();
    ChDelivery forged = ours();
    forged.body = (uint8_t *)"{8}";
    fake_consumer_put(f->consumer, &delivery);
    fake_consumer_put(f->consumer, &delivery); /* comes twice */
    must_store(f, &forged);
    g_auto(GStrv) ids = g_strsplit(fake_pg_param(f->pg, INSERT, LETTER_ID), "|", -1);
    g_assert_cmpstr(ids[0], ==, OWN_ID);
    g_assert_cmpstr(ids[1], ==, OWN_ID);
    g_assert_cmpstr(ids[2], !=, OWN_ID);
}

static void must_take_one(Fixture *f)
{
    const ChDelivery delivery = ours();
    fake_consumer_put(f->consumer, &delivery);
    must_take(f);
}

static void test_what_cannot_be_stored_loses_its_body(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) why = g_error_new_literal(CH_ERROR, CH_ERROR_FAILED, "odd text");
    must_take_one(f);
    g_assert_true(f->source->ops->fail(f->source, f->items[0], why, &f->error));
    assert_param(f, LETTER_ID, OWN_ID);
    assert_param(f, QUEUE, "a.queue");
    assert_param(f, MESSAGE_ID, "null");
    assert_param(f, BODY, "");
    assert_param(f, BODY_BYTES, "3");
    assert_param(f, REASON, "it could not be stored, so it has no body here: odd text");
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    f->source->ops->settle(f->source, f->items, f->n);
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "ack(1) ");
}

/* Not as if a server were away: that would never end. */
static void test_what_leaves_no_row_at_all_stays_with_the_broker(Fixture *f,
                                                                 gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) why = g_error_new_literal(CH_ERROR, CH_ERROR_FAILED, "odd text");
    must_take_one(f);
    fake_pg_answer_error(f->pg, INSERT, CH_ERROR_FAILED, "no row");
    g_assert_false(f->source->ops->fail(f->source, f->items[0], why, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_FAILED);
    f->source->ops->abandon(f->source, f->items[0], why);
    ch_pg_rollback(f->pg);
    fake_consumer_drop_rejected(f->consumer);
    must_take_one(f);
    f->source->ops->abandon(f->source, f->items[0], why);
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "reject(1) aside(2) ");
}

static bool run(Fixture *f)
{
    fake_pg_answer_error(f->pg, INSERT, CH_ERROR_UNAVAILABLE, "too slow");
    bool ok = ch_dead_letters_run(f->dead_letters, f->items, f->n, &f->error);
    ch_pg_rollback(f->pg);
    return ok;
}

static void test_the_third_time_out_is_the_batchs_fault(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    static const int codes[] = { CH_ERROR_UNAVAILABLE, CH_ERROR_UNAVAILABLE, CH_ERROR_FAILED,
                                 CH_ERROR_UNAVAILABLE };
    fake_pg_time_out(f->pg);
    must_take_one(f);
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_assert_false(run(f));
        g_assert_error(f->error, CH_ERROR, codes[i]);
        g_clear_error(&f->error);
    }
    f->source->ops->release(f->source, f->items, f->n);
}

static void test_a_server_that_is_away_costs_no_body(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_take_one(f);
    for (int i = 0; i < 10; i++) {
        g_assert_false(run(f));
        g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
        g_clear_error(&f->error);
    }
    f->source->ops->release(f->source, f->items, f->n);
}

static void test_held_letters_keep_the_connection_alive(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    const ChDelivery delivery = ours();
    fake_consumer_put(f->consumer, &delivery);
    fake_consumer_put(f->consumer, &delivery);
    must_take(f);
    g_assert_true(f->source->ops->hold(f->source, f->items, f->n, NULL));
    f->source->ops->wake(f->source);
    f->source->ops->close(f->source);
    f->source->ops->release(f->source, f->items, f->n);
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, "keep-alive wake close release(1-2) ");
}

static void test_a_lost_connection_is_the_lanes_to_know(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    fake_consumer_lose(f->consumer);
    g_assert_false(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

#define ADD(name, test) g_test_add("/dead-letters/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("ours-keeps-its-id-and-reason", test_ours_keeps_its_id_and_reason);
    ADD("a-batch-is-one-statement", test_a_batch_is_one_statement);
    ADD("the-brokers-says-why-it-went-unread", test_the_brokers_says_why_it_went_unread);
    ADD("a-foreign-one-is-stored-as-well", test_a_foreign_one_is_stored_as_well);
    ADD("a-large-body-is-the-reason", test_a_large_body_is_the_reason);
    ADD("an-unreadable-one-is-moved-on-after-its-row",
        test_an_unreadable_one_is_moved_on_after_its_row);
    ADD("an-unreadable-one-stays-where-rejecting-loses-it",
        test_an_unreadable_one_stays_where_rejecting_loses_it);
    ADD("an-event-says-its-id-and-what-it-is-about",
        test_an_event_says_its_id_and_what_it_is_about);
    ADD("two-bodies-with-one-id-are-two-letters", test_two_bodies_with_one_id_are_two_letters);
    ADD("what-cannot-be-stored-loses-its-body", test_what_cannot_be_stored_loses_its_body);
    ADD("what-leaves-no-row-at-all-stays-with-the-broker",
        test_what_leaves_no_row_at_all_stays_with_the_broker);
    ADD("the-third-time-out-is-the-batchs-fault", test_the_third_time_out_is_the_batchs_fault);
    ADD("a-server-that-is-away-costs-no-body", test_a_server_that_is_away_costs_no_body);
    ADD("held-letters-keep-the-connection-alive", test_held_letters_keep_the_connection_alive);
    ADD("a-lost-connection-is-the-lanes-to-know", test_a_lost_connection_is_the_lanes_to_know);
    return g_test_run();
}
