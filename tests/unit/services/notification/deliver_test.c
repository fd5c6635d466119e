/* Receiving and delivering, with fakes at every port. */
#include "chassis/core/log.h"
#include "fakes.h"
#include "notification/application/deliver.h"
#include "notification/application/receive.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    CUSTOMER_WAIT_MS = 3600 * 1000
};

typedef struct {
    FakeStore store;
    FakeTemplates templates;
    FakeCustomers customers;
    FakeChannel email, sms;
    NotificationGateways gateways;
    NotificationDelivery *deliveries[FAKE_MAX];
    size_t n;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_store_init(&f->store);
    fake_templates_init(&f->templates);
    fake_customers_init(&f->customers);
    fake_channel_init(&f->email);
    fake_channel_init(&f->sms);
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_EMAIL, "en",
                       "Order {OrderNumber}", "{CustomerName}: {OrderTotal} {Currency}");
    f->gateways = (NotificationGateways){
        .customers = &f->customers.base,
        .channels = { NULL, &f->email.base, &f->sms.base },
        .customer_wait_ms = CUSTOMER_WAIT_MS,
    };
    f->n = 0;
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < f->n; i++)
        notification_delivery_free(f->deliveries[i]);
    fake_channel_clear(&f->email);
    fake_channel_clear(&f->sms);
    fake_templates_clear(&f->templates);
    fake_store_clear(&f->store);
}

/* Makes numbers 1 to @n due and claims them. */
static void must_claim(Fixture *f, int n, int64_t attempt)
{
    for (int i = 1; i <= n; i++)
        g_ptr_array_add(f->store.due, fake_delivery(i, attempt));
    g_autoptr(GError) error = NULL;
    bool ok = notification_claim(&f->store.base, &f->templates.base, FAKE_MAX, 1000, f->deliveries,
                                 &f->n, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_cmpuint(f->n, ==, (size_t)n);
}

/* Claims one and sends it. */
static const NotificationDelivery *must_send_one(Fixture *f, int64_t attempt)
{
    must_claim(f, 1, attempt);
    notification_send(&f->gateways, f->deliveries, f->n);
    return f->deliveries[0];
}

static GError *unavailable(void)
{
    return g_error_new_literal(CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
}

/* ---- receiving ---- */

static void test_receives_all(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationEvent a = { .code = NOTIFICATION_ORDER_CONFIRMED };
    const NotificationEvent b = { .code = NOTIFICATION_ORDER_CANCELLED };
    const NotificationEvent *events[] = { &a, &b };
    g_assert_true(notification_receive(&f->store.base, events, 2, NULL));
    g_assert_cmpuint(f->store.inserted, ==, 2);
    g_assert_true(f->store.events[1] == &b);
}

static void test_receiving_fails_as_the_store_does(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationEvent a = { .code = NOTIFICATION_ORDER_CONFIRMED };
    const NotificationEvent *events[] = { &a };
    g_autoptr(GError) error = NULL;
    f->store.fault = unavailable();
    g_assert_false(notification_receive(&f->store.base, events, 1, &error));
    g_assert_true(ch_error_is_unavailable(error));
}

static void test_replay_blockers_are_what_is_noted(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
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

static void test_claiming_without_templates_claims_nothing(Fixture *f,
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

static void test_claiming_nothing_asks_for_no_templates(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->templates.fault = unavailable();
    must_claim(f, 0, 1);
}

/* ---- sending ---- */

static void test_sends_what_the_template_says(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
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
    g_assert_true(ch_uuid_equal(f->email.event_id, delivery->event_id));
}

static void test_a_customer_is_asked_for_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_claim(f, 3, 1);
    f->deliveries[2]->customer_id = f->deliveries[0]->customer_id;
    notification_send(&f->gateways, f->deliveries, f->n);
    g_assert_cmpuint(f->customers.calls, ==, 1);
    g_assert_cmpuint(f->customers.asked, ==, 2);
    g_assert_cmpuint(f->email.sent, ==, 3);
}

/* ---- without an address ---- */

static void know_nothing(Fixture *f, NotificationCustomerAnswer answer, const char *why)
{
    f->customers.answer = answer;
    f->customers.why = why;
    f->customers.name = NULL;
    f->customers.email = NULL;
}

/* The old behaviour, and that of a channel that nothing leaves. */
static void test_an_address_is_made_up_where_it_may(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const NotificationCustomerAnswer answers[] = { NOTIFICATION_CUSTOMER_UNREACHABLE,
                                                          NOTIFICATION_CUSTOMER_ANSWERED,
                                                          NOTIFICATION_CUSTOMER_UNKNOWN };
    f->gateways.may_make_up = true;
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        know_nothing(f, answers[i], "away");
        const NotificationDelivery *delivery = must_send_one(f, 1);
        g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_DELIVERED);
        g_assert_true(delivery->fallback);
        g_assert_cmpstr(delivery->destination, ==, "customerab000001@example.com");
        g_assert_true(g_str_has_prefix(f->email.body, "Customer ab000001: "));
        notification_delivery_free(f->deliveries[0]);
        f->n = 0;
    }
}

static void test_a_made_up_address_leaves_the_rest(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_EMAIL, "de",
                       "Bestellung", "{CustomerName}");
    f->gateways.may_make_up = true;
    f->customers.email = NULL;
    f->customers.language = "de";
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_true(delivery->fallback);
    g_assert_cmpstr(f->email.subject, ==, "Bestellung");
    g_assert_cmpstr(f->email.body, ==, "Ada Lovelace");
}

static void test_a_name_alone_is_made_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->customers.name = NULL;
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_true(delivery->fallback);
    g_assert_cmpstr(delivery->destination, ==, "ada@example.org");
    g_assert_true(g_str_has_prefix(f->email.body, "Customer ab000001: "));
}

static void assert_refused_for(Fixture *f, const char *why)
{
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpstr(delivery->error, ==, why);
    g_assert_null(delivery->destination);
    g_assert_false(delivery->fallback);
    g_assert_cmpuint(f->email.sent + f->sms.sent, ==, 0);
}

static void test_without_an_address_it_fails(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    know_nothing(f, NOTIFICATION_CUSTOMER_ANSWERED, "it knows no address");
    assert_refused_for(f, "it knows no address");
}

static void test_of_an_unknown_customer_it_fails(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    know_nothing(f, NOTIFICATION_CUSTOMER_UNKNOWN, "it does not know the customer");
    assert_refused_for(f, "it does not know the customer");
}

static void test_a_phone_without_templates_is_no_address(Fixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    f->customers.email = NULL;
    f->customers.phone = "+491701234567";
    assert_refused_for(
        f, "no address is known, and there is no active SMS template for ORDER_CONFIRMED");
}

static void test_a_phone_alone_gets_an_sms(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_SMS, "de", "",
                       "Danke, {CustomerName}");
    f->gateways.may_make_up = true; /* what is real goes first */
    f->customers.email = NULL;
    f->customers.phone = "+491701234567";
    f->customers.language = "de";
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_cmpint(delivery->channel, ==, NOTIFICATION_SMS);
    g_assert_false(delivery->fallback);
    g_assert_cmpstr(f->sms.to, ==, "+491701234567");
    g_assert_cmpstr(f->sms.body, ==, "Danke, Ada Lovelace");
}

/* One that is @age_ms old, and whose customer nobody can be asked for. */
static const NotificationDelivery *must_wait(Fixture *f, int64_t age_ms,
                                             NotificationVerdict verdict)
{
    know_nothing(f, NOTIFICATION_CUSTOMER_UNREACHABLE, "the service is away");
    must_claim(f, 1, NOTIFICATION_MAX_ATTEMPTS);
    f->deliveries[0]->created_us -= age_ms * 1000;
    notification_send(&f->gateways, f->deliveries, 1);
    const NotificationDelivery *delivery = f->deliveries[0];
    g_assert_cmpint(delivery->verdict, ==, verdict);
    g_assert_cmpstr(delivery->error, ==, "the service is away");
    g_assert_false(delivery->customer_known);
    g_assert_cmpuint(f->email.sent, ==, 0);
    return delivery;
}

static void test_it_waits_for_its_address(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        int64_t age_ms, min_ms, max_ms;
    } cases[] = { { 0, 2500, 5000 }, { 60000, 15000, 30000 + 1000 }, { 3000000, 150000, 300000 } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const NotificationDelivery *delivery =
            must_wait(f, cases[i].age_ms, NOTIFICATION_GIVEN_BACK);
        g_assert_cmpint(delivery->retry_after_ms, >=, cases[i].min_ms);
        g_assert_cmpint(delivery->retry_after_ms, <=, cases[i].max_ms);
        notification_delivery_free(f->deliveries[0]);
        f->n = 0;
    }
}

static void test_it_waits_as_long_as_it_was_asked_to(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->customers.retry_after_ms = 60000;
    g_assert_cmpint(must_wait(f, 0, NOTIFICATION_GIVEN_BACK)->retry_after_ms, ==, 60000);
}

static void test_it_waits_within_a_bound(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_wait(f, CUSTOMER_WAIT_MS + 1, NOTIFICATION_REFUSED);
}

/* ---- the text, and what channels say ---- */

static void test_speaks_the_customers_language(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    fake_templates_add(&f->templates, NOTIFICATION_ORDER_CONFIRMED, NOTIFICATION_EMAIL, "de",
                       "Bestellung {OrderNumber}", "b");
    f->customers.language = "de-AT";
    must_send_one(f, 1);
    g_assert_cmpstr(f->email.subject, ==, "Bestellung N-1");
}

static void test_an_sms_when_there_is_no_other_template(Fixture *f,
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

static void test_without_a_template_it_is_tried_later(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    g_ptr_array_set_size(f->templates.active, 0);
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_TRY_LATER);
    g_assert_cmpstr(delivery->error, ==, "there is no active template for ORDER_CONFIRMED");
    g_assert_cmpuint(f->email.sent, ==, 0);
}

static void test_a_broken_template_spares_the_others(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
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

static void test_a_passing_fault_waits_longer_each_time(Fixture *f,
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

static void test_a_pause_that_is_asked_for_is_kept(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
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

static void test_a_refusal_is_final(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->email.verdict = NOTIFICATION_REFUSED;
    f->email.why = "550 no such\r\nuser \xff";
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpstr(delivery->error, ==, "550 no such  user \uFFFD");
}

static void test_given_back_is_no_attempt(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->email.verdict = NOTIFICATION_GIVEN_BACK;
    const NotificationDelivery *delivery = must_send_one(f, NOTIFICATION_MAX_ATTEMPTS);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_GIVEN_BACK);
    g_assert_cmpint(delivery->retry_after_ms, >, 0);
}

static void test_attempts_without_end_are_given_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const NotificationDelivery *delivery = must_send_one(f, NOTIFICATION_MAX_ATTEMPTS + 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpuint(f->email.sent, ==, 0);
    g_assert_cmpuint(f->customers.calls, ==, 0);
}

static void test_again_sends_nothing_twice(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_claim(f, 3, 1);
    notification_send(&f->gateways, f->deliveries, f->n);
    notification_send(&f->gateways, f->deliveries, f->n);
    g_assert_cmpuint(f->email.sent, ==, 3);
    g_assert_cmpuint(f->customers.calls, ==, 1);
}

/* ---- telling ---- */

/* Standard output belongs to the test's own protocol. */
static void be_quiet(void)
{
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static char *logged(Fixture *f)
{
    char path[] = "/tmp/deliver_test_XXXXXX";
    int fd = g_mkstemp(path);
    g_assert_cmpint(fd, >=, 0);
    ch_log_set_output(fd);
    notification_log_results(f->deliveries, f->n);
    be_quiet();
    char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    close(fd);
    unlink(path);
    return text;
}

static void test_the_log_names_the_order_and_no_address(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->email.verdict = NOTIFICATION_REFUSED;
    f->email.why = "550 <ada@example.org> is unknown";
    must_send_one(f, 1);
    g_autofree char *text = logged(f);
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(f->deliveries[0]->order_id, id);
    g_assert_nonnull(strstr(text, id));
    g_assert_nonnull(strstr(text, "\"notification failed\""));
    g_assert_nonnull(strstr(text, "550 *** is unknown"));
    g_assert_null(strstr(text, "ada@"));
}

static void test_the_log_tells_where_the_data_came_from(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->gateways.may_make_up = true;
    f->customers.email = NULL;
    must_send_one(f, 1);
    g_autofree char *text = logged(f);
    g_assert_nonnull(strstr(text, "\"notification sent\""));
    g_assert_nonnull(strstr(text, "\"customer_source\":\"fallback\""));
    g_assert_nonnull(strstr(text, "\"trace_id\""));
    g_assert_null(strstr(text, "@"));
}

#define ADD(name, function)                                                                        \
    g_test_add("/notification/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("deliver-test", CH_LOG_INFO);
    be_quiet();
    ADD("receive/all", test_receives_all);
    ADD("receive/fails-as-the-store-does", test_receiving_fails_as_the_store_does);
    ADD("receive/replay-blockers-are-what-is-noted", test_replay_blockers_are_what_is_noted);
    ADD("claim/without-templates-claims-nothing", test_claiming_without_templates_claims_nothing);
    ADD("claim/nothing-asks-for-no-templates", test_claiming_nothing_asks_for_no_templates);
    ADD("deliver/what-the-template-says", test_sends_what_the_template_says);
    ADD("deliver/a-customer-is-asked-for-once", test_a_customer_is_asked_for_once);
    ADD("deliver/an-address-is-made-up-where-it-may", test_an_address_is_made_up_where_it_may);
    ADD("deliver/a-made-up-address-leaves-the-rest", test_a_made_up_address_leaves_the_rest);
    ADD("deliver/a-name-alone-is-made-up", test_a_name_alone_is_made_up);
    ADD("deliver/without-an-address-it-fails", test_without_an_address_it_fails);
    ADD("deliver/of-an-unknown-customer-it-fails", test_of_an_unknown_customer_it_fails);
    ADD("deliver/a-phone-without-templates-is-no-address",
        test_a_phone_without_templates_is_no_address);
    ADD("deliver/a-phone-alone-gets-an-sms", test_a_phone_alone_gets_an_sms);
    ADD("deliver/waits-for-its-address", test_it_waits_for_its_address);
    ADD("deliver/waits-as-long-as-it-was-asked-to", test_it_waits_as_long_as_it_was_asked_to);
    ADD("deliver/waits-within-a-bound", test_it_waits_within_a_bound);
    ADD("deliver/speaks-the-customers-language", test_speaks_the_customers_language);
    ADD("deliver/an-sms-when-there-is-no-other-template",
        test_an_sms_when_there_is_no_other_template);
    ADD("deliver/without-a-template-later", test_without_a_template_it_is_tried_later);
    ADD("deliver/a-broken-template-spares-the-others", test_a_broken_template_spares_the_others);
    ADD("deliver/a-passing-fault-waits-longer-each-time",
        test_a_passing_fault_waits_longer_each_time);
    ADD("deliver/a-pause-that-is-asked-for-is-kept", test_a_pause_that_is_asked_for_is_kept);
    ADD("deliver/a-refusal-is-final", test_a_refusal_is_final);
    ADD("deliver/given-back-is-no-attempt", test_given_back_is_no_attempt);
    ADD("deliver/attempts-without-end-are-given-up", test_attempts_without_end_are_given_up);
    ADD("deliver/again-sends-nothing-twice", test_again_sends_nothing_twice);
    ADD("deliver/the-log-names-the-order-and-no-address",
        test_the_log_names_the_order_and_no_address);
    ADD("deliver/the-log-tells-where-the-data-came-from",
        test_the_log_tells_where_the_data_came_from);
    return g_test_run();
}
