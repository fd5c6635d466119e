/* Receiving, claiming and delivering, with fakes at every port. */
#include "chassis/core/log.h"
#include "deliver_fixture.h"
#include "notification/application/receive.h"

#include <string.h>

static GError *unavailable(void)
{
    return g_error_new_literal(CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
}

/* ---- receiving ---- */

static void test_receives_all(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationEvent a = { .code = NOTIFICATION_ORDER_CONFIRMED };
    const NotificationEvent b = { .code = NOTIFICATION_ORDER_CANCELLED };
    const NotificationEvent *events[] = { &a, &b };
    g_assert_true(notification_receive(&f->store.base, events, 2, NULL));
    g_assert_cmpuint(f->store.inserted, ==, 2);
    g_assert_true(f->store.events[1] == &b);
}

static void test_receiving_fails_as_the_store_does(DeliverFixture *f,
                                                   gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationEvent a = { .code = NOTIFICATION_ORDER_CONFIRMED };
    const NotificationEvent *events[] = { &a };
    g_autoptr(GError) error = NULL;
    f->store.fault = unavailable();
    g_assert_false(notification_receive(&f->store.base, events, 1, &error));
    g_assert_true(ch_error_is_unavailable(error));
}

static void test_replay_blockers_are_what_is_noted(DeliverFixture *f,
                                                   gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationEvent known = { .event_id = ch_uuid_new(), .order_id = ch_uuid_new() };
    const NotificationEvent unknown = { .event_id = ch_uuid_new(), .order_id = ch_uuid_new() };
    const NotificationEvent *events[] = { &known, &unknown };
    char *blockers[2] = { NULL };
    g_autoptr(GError) error = NULL;
    f->store.noted_event = known.event_id;
    g_assert_true(
        notification_receive_replay_blockers(&f->store.base, events, 2, blockers, &error));
    g_assert_true(g_str_has_suffix(blockers[0], "has its notification for this event"));
    g_assert_null(blockers[1]);
    g_free(blockers[0]);
    f->store.fault = g_error_new(CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
    g_assert_false(
        notification_receive_replay_blockers(&f->store.base, events, 2, blockers, &error));
    g_assert_true(ch_error_is_unavailable(error));
}

/* ---- claiming ---- */

static void test_claiming_without_templates_claims_nothing(DeliverFixture *f,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_ptr_array_add(f->store.due, fake_delivery(1, 1));
    f->templates.fault = unavailable();
    g_assert_false(notification_claim(&f->store.base, &f->templates.base, FAKE_MAX, 1000,
                                      f->deliveries, &f->n, &error));
    g_assert_true(ch_error_is_unavailable(error));
    g_assert_cmpuint(f->n, ==, 0);
}

static void test_claiming_nothing_asks_for_no_templates(DeliverFixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->templates.fault = unavailable();
    must_claim(f, 0, 1);
}

/* ---- sending ---- */

static void test_sends_what_the_template_says(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_cmpint(delivery->channel, ==, NOTIFICATION_EMAIL);
    g_assert_cmpstr(delivery->destination, ==, "ada@example.org");
    g_assert_true(delivery->customer_known);
    g_assert_false(delivery->fallback);
    g_assert_null(delivery->error);
    g_assert_cmpstr(f->email.to, ==, "ada@example.org");
    g_assert_cmpstr(f->email.subject, ==, "Order N-1");
    g_assert_cmpstr(f->email.body, ==, "Ada Lovelace: 12.5 EUR");
    g_assert_true(ch_uuid_equal(f->email.message_id, delivery->message_id));
}

static void test_a_customer_is_asked_for_once(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_claim(f, 3, 1);
    f->deliveries[2]->customer_id = f->deliveries[0]->customer_id;
    notification_send(&f->gateways, f->deliveries, f->n);
    g_assert_cmpuint(f->customers.calls, ==, 1);
    g_assert_cmpuint(f->customers.asked, ==, 2);
    g_assert_cmpuint(f->email.sent, ==, 3);
}

/* ---- the text, and what channels say ---- */

static void test_speaks_the_customers_language(DeliverFixture *f,
                                               gconstpointer unused G_GNUC_UNUSED)
{
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_EMAIL, "de",
                       "Bestellung {OrderNumber}", "b");
    f->customers.language = "de-AT";
    must_send_one(f, 1);
    g_assert_cmpstr(f->email.subject, ==, "Bestellung N-1");
}

static void test_an_sms_when_there_is_no_other_template(DeliverFixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    g_ptr_array_set_size(f->templates.active, 0);
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_SMS, "en", "",
                       "{OrderNumber}");
    f->customers.phone = "+491701234567";
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->channel, ==, NOTIFICATION_SMS);
    g_assert_cmpstr(f->sms.to, ==, "+491701234567");
    g_assert_cmpuint(f->email.sent, ==, 0);
}

static void test_without_a_template_it_is_tried_later(DeliverFixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    g_ptr_array_set_size(f->templates.active, 0);
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_TRY_LATER);
    g_assert_cmpstr(delivery->error, ==, "there is no active template for ORDER_CONFIRMED");
    g_assert_cmpuint(f->email.sent, ==, 0);
}

static void test_a_broken_template_spares_the_others(DeliverFixture *f,
                                                     gconstpointer unused G_GNUC_UNUSED)
{
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CANCELLED, NOTIFICATION_EMAIL, "en", "s",
                       "{Oops");
    must_claim(f, 3, 1);
    f->deliveries[1]->code = NOTIFICATION_ORDER_CANCELLED;
    notification_send(&f->gateways, f->deliveries, f->n);
    g_assert_cmpint(f->deliveries[0]->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_cmpint(f->deliveries[1]->verdict, ==, NOTIFICATION_TRY_LATER);
    g_assert_nonnull(strstr(f->deliveries[1]->error, "body: line 1, column 1"));
    g_assert_cmpint(f->deliveries[2]->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_cmpuint(f->email.sent, ==, 2);
}

static void test_a_passing_fault_waits_longer_each_time(DeliverFixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    static const int64_t delays_ms[] = { 5000, 30000, 120000, 600000 };
    f->email.verdict = NOTIFICATION_TRY_LATER;
    f->email.why = "451 later";
    for (size_t i = 0; i < G_N_ELEMENTS(delays_ms); i++) {
        const NotificationDelivery *delivery = must_send_one(f, (int64_t)i + 1);
        g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_TRY_LATER);
        g_assert_cmpint(delivery->retry_after_ms, >=, delays_ms[i] / 2);
        g_assert_cmpint(delivery->retry_after_ms, <=, delays_ms[i]);
        g_assert_cmpstr(delivery->error, ==, "451 later");
        notification_delivery_free(f->deliveries[0]);
        f->n = 0;
    }
    g_assert_cmpint(must_send_one(f, NOTIFICATION_MAX_ATTEMPTS)->verdict, ==, NOTIFICATION_REFUSED);
}

static void test_a_pause_that_is_asked_for_is_kept(DeliverFixture *f,
                                                   gconstpointer unused G_GNUC_UNUSED)
{
    static const NotificationVerdict verdicts[] = { NOTIFICATION_TRY_LATER,
                                                    NOTIFICATION_GIVEN_BACK };
    for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++) {
        f->email.verdict = verdicts[i];
        f->email.retry_after_ms = 60000;
        g_assert_cmpint(must_send_one(f, 1)->retry_after_ms, ==, 60000);
        notification_delivery_free(f->deliveries[0]);
        f->n = 0;
    }
    f->email.verdict = NOTIFICATION_TRY_LATER;
    f->email.retry_after_ms = 1; /* our own delay is longer */
    g_assert_cmpint(must_send_one(f, 1)->retry_after_ms, >=, 2500);
}

static void test_a_refusal_is_final(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->email.verdict = NOTIFICATION_REFUSED;
    f->email.why = "550 no such\r\nuser \xff";
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpstr(delivery->error, ==, "550 no such  user \uFFFD");
}

static void test_given_back_is_no_attempt(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->email.verdict = NOTIFICATION_GIVEN_BACK;
    const NotificationDelivery *delivery = must_send_one(f, NOTIFICATION_MAX_ATTEMPTS);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_GIVEN_BACK);
    g_assert_cmpint(delivery->retry_after_ms, >, 0);
}

static void test_attempts_without_end_are_given_up(DeliverFixture *f,
                                                   gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationDelivery *delivery = must_send_one(f, NOTIFICATION_MAX_ATTEMPTS + 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpuint(f->email.sent, ==, 0);
    g_assert_cmpuint(f->customers.calls, ==, 0);
}

/* Those before are in the log, but leave it all its own. */
static void test_what_is_resent_has_all_its_attempts(DeliverFixture *f,
                                                     gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        int64_t attempt;
        NotificationVerdict verdict;
    } cases[] = { { 6, NOTIFICATION_TRY_LATER }, { 10, NOTIFICATION_REFUSED } };
    f->email.verdict = NOTIFICATION_TRY_LATER;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        must_claim(f, 1, cases[i].attempt);
        f->deliveries[0]->attempts_before = 5;
        notification_send(&f->gateways, f->deliveries, f->n);
        g_assert_cmpint(f->deliveries[0]->verdict, ==, cases[i].verdict);
        notification_delivery_free(f->deliveries[0]);
        f->n = 0;
    }
    g_assert_cmpuint(f->email.sent, ==, 2);
}

static void test_again_sends_nothing_twice(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_claim(f, 3, 1);
    notification_send(&f->gateways, f->deliveries, f->n);
    notification_send(&f->gateways, f->deliveries, f->n);
    g_assert_cmpuint(f->email.sent, ==, 3);
    g_assert_cmpuint(f->customers.calls, ==, 1);
}

/* The other channel goes on, and the customer is asked for once. */
static void test_what_is_paused_is_given_back(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChControl email, sms;
    ch_control_init(&email, "email", CH_CONTROL_SENDER);
    ch_control_init(&sms, "sms", CH_CONTROL_SENDER);
    f->gateways.controls[NOTIFICATION_EMAIL] = &email;
    f->gateways.controls[NOTIFICATION_SMS] = &sms;
    g_assert_false(notification_may_send(&f->gateways));
    ch_control_set(&email, true);
    ch_control_set(&sms, false);
    g_assert_true(notification_may_send(&f->gateways));
    const NotificationDelivery *delivery = must_send_one(f, NOTIFICATION_MAX_ATTEMPTS);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_GIVEN_BACK);
    g_assert_cmpint(delivery->retry_after_ms, >, 0);
    g_assert_cmpuint(f->email.sent, ==, 0);
    f->deliveries[0]->verdict = NOTIFICATION_UNDECIDED; /* claimed again */
    g_clear_pointer(&f->deliveries[0]->error, g_free);
    notification_send(&f->gateways, f->deliveries, f->n);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_GIVEN_BACK);
    g_assert_cmpuint(f->customers.calls, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("deliver-test", CH_LOG_INFO);
    be_quiet();
    ADD_DELIVER("receive/all", test_receives_all);
    ADD_DELIVER("receive/fails-as-the-store-does", test_receiving_fails_as_the_store_does);
    ADD_DELIVER("receive/replay-blockers-are-what-is-noted",
                test_replay_blockers_are_what_is_noted);
    ADD_DELIVER("send/what-is-paused-is-given-back", test_what_is_paused_is_given_back);
    ADD_DELIVER("claim/without-templates-claims-nothing",
                test_claiming_without_templates_claims_nothing);
    ADD_DELIVER("claim/nothing-asks-for-no-templates", test_claiming_nothing_asks_for_no_templates);
    ADD_DELIVER("deliver/what-the-template-says", test_sends_what_the_template_says);
    ADD_DELIVER("deliver/a-customer-is-asked-for-once", test_a_customer_is_asked_for_once);
    ADD_DELIVER("deliver/speaks-the-customers-language", test_speaks_the_customers_language);
    ADD_DELIVER("deliver/an-sms-when-there-is-no-other-template",
                test_an_sms_when_there_is_no_other_template);
    ADD_DELIVER("deliver/without-a-template-later", test_without_a_template_it_is_tried_later);
    ADD_DELIVER("deliver/a-broken-template-spares-the-others",
                test_a_broken_template_spares_the_others);
    ADD_DELIVER("deliver/a-passing-fault-waits-longer-each-time",
                test_a_passing_fault_waits_longer_each_time);
    ADD_DELIVER("deliver/a-pause-that-is-asked-for-is-kept",
                test_a_pause_that_is_asked_for_is_kept);
    ADD_DELIVER("deliver/a-refusal-is-final", test_a_refusal_is_final);
    ADD_DELIVER("deliver/given-back-is-no-attempt", test_given_back_is_no_attempt);
    ADD_DELIVER("deliver/attempts-without-end-are-given-up",
                test_attempts_without_end_are_given_up);
    ADD_DELIVER("deliver/what-is-resent-has-all-its-attempts",
                test_what_is_resent_has_all_its_attempts);
    ADD_DELIVER("deliver/again-sends-nothing-twice", test_again_sends_nothing_twice);
    return g_test_run();
}
