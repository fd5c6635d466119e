/* What cannot be handled: no events, wrong ones, and those that may end the process that reads
 * them. */
#include "subscription_fixture.h"

#include "tests/stores/ids.h"

#include <string.h>

static void test_what_is_no_envelope_is_dead_at_once(SubscriptionFixture *f,
                                                     gconstpointer unused G_GNUC_UNUSED)
{
    put(f, "no envelope", 0);
    must_process(f);
    assert_sent(f, OUTBOX);
    assert_sent_on(f, "a.queue", "not an event");
    g_assert_cmpint(f->service.given_up, ==, 0); /* nobody knows what it was */
    assert_journal(f, "ack(1) ");
}

static void test_what_it_is_in_place_of_json_is_named(SubscriptionFixture *f,
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

static void test_invalid_data_is_tried_again(SubscriptionFixture *f,
                                             gconstpointer unused G_GNUC_UNUSED)
{
    put(f, "{\"EventId\":\"" EVENT_ID "1\",\"EventType\":\"Good\",\"Data\":{\"Number\":10}}", 0);
    must_process(f);
    assert_sent(f, OUTBOX);
    assert_sent_on(f, "a.queue.retry.1", "Data.Number must be at most 9");
    assert_journal(f, "ack(1) ");
}

static void test_a_wrong_type_is_tried_again(SubscriptionFixture *f,
                                             gconstpointer unused G_GNUC_UNUSED)
{
    put(f, "{\"EventId\":\"" EVENT_ID "1\",\"EventType\":\"Bad\",\"Data\":{\"Number\":1}}", 1);
    must_process(f);
    assert_sent_on(f, "a.queue.retry.2", "EventType must be Good");
}

static void test_its_neighbours_are_handled(SubscriptionFixture *f,
                                            gconstpointer unused G_GNUC_UNUSED)
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

static void test_what_may_kill_us_goes_unread(SubscriptionFixture *f,
                                              gconstpointer unused G_GNUC_UNUSED)
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

/* By which the inbox knows a suspect of this body. */
static ChUuid fake_suspect(const char *body)
{
    static const ChUuid suspects = { { 0x3d, 0x5b, 0x90, 0x1e, 0xc2, 0x47, 0x4f, 0x0a, 0x8c, 0x71,
                                       0x2b, 0x64, 0xe8, 0x39, 0xd5, 0x10 } };
    return ch_uuid_derive(suspects, body, strlen(body));
}

static void put_suspect(SubscriptionFixture *f)
{
    ChDelivery delivery = delivery_of(good(1));
    delivery.delivery_count = 1;
    delivery.uncounted = true;
    delivery.suspect = true;
    fake_consumer_put(f->consumer, &delivery);
}

static void test_a_suspect_is_counted_before_it_is_handled(SubscriptionFixture *f,
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

static void test_a_suspect_that_came_too_often_goes_unread(SubscriptionFixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    put_suspect(f); /* no statement has an answer: the inbox has every count */
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "");
    assert_journal(f, "give-up(1) ");
}

static void test_a_suspect_waits_for_the_database(SubscriptionFixture *f,
                                                  gconstpointer unused G_GNUC_UNUSED)
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

static void test_what_cannot_be_read_goes_unread(SubscriptionFixture *f,
                                                 gconstpointer unused G_GNUC_UNUSED)
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
test_what_cannot_be_read_stays_where_rejecting_loses_it(SubscriptionFixture *f,
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
static void test_runs_are_acknowledged_between(SubscriptionFixture *f,
                                               gconstpointer unused G_GNUC_UNUSED)
{
    put_too_large(f);
    put(f, good(1), 0);
    put(f, good(2), 0);
    put_too_large(f);
    put(f, good(3), 0);
    must_process(f);
    assert_journal(f, "give-up(1) ack(2-3) give-up(4) ack(5) ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    be_quiet();
    ADD_SUBSCRIPTION("what-is-no-envelope-is-dead-at-once",
                     test_what_is_no_envelope_is_dead_at_once);
    ADD_SUBSCRIPTION("what-it-is-in-place-of-json-is-named",
                     test_what_it_is_in_place_of_json_is_named);
    ADD_SUBSCRIPTION("invalid-data-is-tried-again", test_invalid_data_is_tried_again);
    ADD_SUBSCRIPTION("a-wrong-type-is-tried-again", test_a_wrong_type_is_tried_again);
    ADD_SUBSCRIPTION("its-neighbours-are-handled", test_its_neighbours_are_handled);
    ADD_SUBSCRIPTION("what-may-kill-us-goes-unread", test_what_may_kill_us_goes_unread);
    ADD_SUBSCRIPTION("what-cannot-be-read-goes-unread", test_what_cannot_be_read_goes_unread);
    ADD_SUBSCRIPTION("a-suspect-is-counted-before-it-is-handled",
                     test_a_suspect_is_counted_before_it_is_handled);
    ADD_SUBSCRIPTION("a-suspect-that-came-too-often-goes-unread",
                     test_a_suspect_that_came_too_often_goes_unread);
    ADD_SUBSCRIPTION("a-suspect-waits-for-the-database", test_a_suspect_waits_for_the_database);
    ADD_SUBSCRIPTION("what-cannot-be-read-stays-where-rejecting-loses-it",
                     test_what_cannot_be_read_stays_where_rejecting_loses_it);
    ADD_SUBSCRIPTION("runs-are-acknowledged-between", test_runs_are_acknowledged_between);
    return g_test_run();
}
