/* What becomes of events that a subscription handles, and of those that fail alone. */
#include "subscription_fixture.h"

#include "tests/stores/ids.h"

/* ---- handling ---- */

static void test_fresh_events_are_handled_at_once(SubscriptionFixture *f,
                                                  gconstpointer unused G_GNUC_UNUSED)
{
    const FakeValue fresh[] = { FAKE_UUID(fake_id(1)), FAKE_UUID(fake_id(2)) };
    put(f, good(1), 0);
    put(f, good(2), 0);
    fake_pg_answer(f->pg, INBOX, fresh, 1, 2);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "1 2 ");
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 0), ==, "a.queue");
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 1), ==, EVENT_ID "1|" EVENT_ID "2");
    assert_sent(f, INBOX);
    assert_journal(f, "ack(1-2) ");
}

static void test_duplicates_are_acknowledged_unhandled(SubscriptionFixture *f,
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

static void test_with_duplicates_alone_nobody_is_asked(SubscriptionFixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    f->service.fails = true;
    put(f, good(1), 0);
    must_process(f);
    g_assert_cmpstr(f->service.handled->str, ==, "");
    assert_journal(f, "ack(1) ");
}

static void test_the_handlers_error_is_the_batchs(SubscriptionFixture *f,
                                                  gconstpointer unused G_GNUC_UNUSED)
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

static void test_a_lost_connection_is_the_lanes_to_know(SubscriptionFixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    fake_consumer_lose(f->consumer);
    g_assert_false(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}

/* ---- failing alone ---- */

/* The item alone, which failed because of "it broke". */
static bool fail_alone(SubscriptionFixture *f)
{
    g_autoptr(GError) why = g_error_new_literal(CH_ERROR, CH_ERROR_FAILED, "it broke");
    g_assert_cmpuint(f->n, ==, 1);
    return f->source->ops->fail(f->source, f->items[0], why, &f->error);
}

static void test_attempts_before_the_last_are_retries(SubscriptionFixture *f,
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

static void test_the_last_attempt_is_given_up(SubscriptionFixture *f,
                                              gconstpointer unused G_GNUC_UNUSED)
{
    put(f, good(1), CH_RETRIES);
    must_take(f);
    g_assert_true(fail_alone(f));
    must_settle(f);
    g_assert_cmpint(f->service.given_up, ==, 1);
    assert_sent(f, OUTBOX); /* nobody was told, so a replay may still have its effect */
    assert_sent_on(f, "a.queue", "it broke");
}

static void test_an_announced_end_is_final(SubscriptionFixture *f,
                                           gconstpointer unused G_GNUC_UNUSED)
{
    f->service.announces = true;
    put(f, good(1), CH_RETRIES);
    must_take(f);
    g_assert_true(fail_alone(f));
    must_settle(f);
    assert_sent(f, INBOX "; " OUTBOX);
    g_assert_cmpstr(fake_pg_param(f->pg, INBOX, 1), ==, EVENT_ID "1");
}

static void test_failing_to_give_up_is_an_error(SubscriptionFixture *f,
                                                gconstpointer unused G_GNUC_UNUSED)
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

static void test_held_messages_keep_the_connection_alive(SubscriptionFixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    put(f, good(1), 0);
    put(f, good(2), 0);
    must_take(f);
    g_assert_true(f->source->ops->hold(f->source, f->items, f->n, NULL));
    f->source->ops->release(f->source, f->items, f->n);
    assert_journal(f, "keep-alive release(1) release(2) ");
}

static void test_closing_resting_and_waking_reach_the_consumer(SubscriptionFixture *f,
                                                               gconstpointer unused G_GNUC_UNUSED)
{
    f->source->ops->wake(f->source);
    f->source->ops->rest(f->source);
    f->source->ops->close(f->source);
    assert_journal(f, "wake rest close ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    be_quiet();
    ADD_SUBSCRIPTION("fresh-events-are-handled-at-once", test_fresh_events_are_handled_at_once);
    ADD_SUBSCRIPTION("duplicates-are-acknowledged-unhandled",
                     test_duplicates_are_acknowledged_unhandled);
    ADD_SUBSCRIPTION("with-duplicates-alone-nobody-is-asked",
                     test_with_duplicates_alone_nobody_is_asked);
    ADD_SUBSCRIPTION("the-handlers-error-is-the-batchs", test_the_handlers_error_is_the_batchs);
    ADD_SUBSCRIPTION("a-lost-connection-is-the-lanes-to-know",
                     test_a_lost_connection_is_the_lanes_to_know);
    ADD_SUBSCRIPTION("attempts-before-the-last-are-retries",
                     test_attempts_before_the_last_are_retries);
    ADD_SUBSCRIPTION("the-last-attempt-is-given-up", test_the_last_attempt_is_given_up);
    ADD_SUBSCRIPTION("an-announced-end-is-final", test_an_announced_end_is_final);
    ADD_SUBSCRIPTION("failing-to-give-up-is-an-error", test_failing_to_give_up_is_an_error);
    ADD_SUBSCRIPTION("held-messages-keep-the-connection-alive",
                     test_held_messages_keep_the_connection_alive);
    ADD_SUBSCRIPTION("closing-resting-and-waking-reach-the-consumer",
                     test_closing_resting_and_waking_reach_the_consumer);
    return g_test_run();
}
