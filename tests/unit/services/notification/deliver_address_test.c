/* Delivering without an address, with one that is made up, and waiting for one. */
#include "chassis/core/log.h"
#include "deliver_fixture.h"

static void know_nothing(DeliverFixture *f, NotificationCustomerAnswer answer, const char *why)
{
    f->customers.answer = answer;
    f->customers.why = why;
    f->customers.name = NULL;
    f->customers.email = NULL;
}

/* The old behaviour, and that of a channel that nothing leaves. */
static void test_an_address_is_made_up_where_it_may(DeliverFixture *f,
                                                    gconstpointer unused G_GNUC_UNUSED)
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

static void test_a_made_up_address_leaves_the_rest(DeliverFixture *f,
                                                   gconstpointer unused G_GNUC_UNUSED)
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

static void test_a_name_alone_is_made_up(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->customers.name = NULL;
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_DELIVERED);
    g_assert_true(delivery->fallback);
    g_assert_cmpstr(delivery->destination, ==, "ada@example.org");
    g_assert_true(g_str_has_prefix(f->email.body, "Customer ab000001: "));
}

static void assert_refused_for(DeliverFixture *f, const char *why)
{
    const NotificationDelivery *delivery = must_send_one(f, 1);
    g_assert_cmpint(delivery->verdict, ==, NOTIFICATION_REFUSED);
    g_assert_cmpstr(delivery->error, ==, why);
    g_assert_null(delivery->destination);
    g_assert_false(delivery->fallback);
    g_assert_cmpuint(f->email.sent + f->sms.sent, ==, 0);
}

static void test_without_an_address_it_fails(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    know_nothing(f, NOTIFICATION_CUSTOMER_ANSWERED, "it knows no address");
    assert_refused_for(f, "it knows no address");
}

static void test_of_an_unknown_customer_it_fails(DeliverFixture *f,
                                                 gconstpointer unused G_GNUC_UNUSED)
{
    know_nothing(f, NOTIFICATION_CUSTOMER_UNKNOWN, "it does not know the customer");
    assert_refused_for(f, "it does not know the customer");
}

static void test_a_phone_without_templates_is_no_address(DeliverFixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    f->customers.email = NULL;
    f->customers.phone = "+491701234567";
    assert_refused_for(
        f, "no address is known, and there is no active SMS template for ORDER_CONFIRMED");
}

static void test_a_phone_alone_gets_an_sms(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
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
static const NotificationDelivery *must_wait(DeliverFixture *f, int64_t age_ms,
                                             NotificationVerdict verdict)
{
    know_nothing(f, NOTIFICATION_CUSTOMER_UNREACHABLE, "the service is away");
    must_claim(f, 1, NOTIFICATION_MAX_ATTEMPTS);
    f->deliveries[0]->asked_us -= age_ms * 1000;
    notification_send(&f->gateways, f->deliveries, 1);
    const NotificationDelivery *delivery = f->deliveries[0];
    g_assert_cmpint(delivery->verdict, ==, verdict);
    g_assert_cmpstr(delivery->error, ==, "the service is away");
    g_assert_false(delivery->customer_known);
    g_assert_cmpuint(f->email.sent, ==, 0);
    return delivery;
}

static void test_it_waits_for_its_address(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
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

static void test_it_waits_as_long_as_it_was_asked_to(DeliverFixture *f,
                                                     gconstpointer unused G_GNUC_UNUSED)
{
    f->customers.retry_after_ms = 60000;
    g_assert_cmpint(must_wait(f, 0, NOTIFICATION_GIVEN_BACK)->retry_after_ms, ==, 60000);
}

static void test_it_waits_within_a_bound(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_wait(f, CUSTOMER_WAIT_MS + 1, NOTIFICATION_REFUSED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("deliver-test", CH_LOG_INFO);
    be_quiet();
    ADD_DELIVER("deliver/an-address-is-made-up-where-it-may",
                test_an_address_is_made_up_where_it_may);
    ADD_DELIVER("deliver/a-made-up-address-leaves-the-rest",
                test_a_made_up_address_leaves_the_rest);
    ADD_DELIVER("deliver/a-name-alone-is-made-up", test_a_name_alone_is_made_up);
    ADD_DELIVER("deliver/without-an-address-it-fails", test_without_an_address_it_fails);
    ADD_DELIVER("deliver/of-an-unknown-customer-it-fails", test_of_an_unknown_customer_it_fails);
    ADD_DELIVER("deliver/a-phone-without-templates-is-no-address",
                test_a_phone_without_templates_is_no_address);
    ADD_DELIVER("deliver/a-phone-alone-gets-an-sms", test_a_phone_alone_gets_an_sms);
    ADD_DELIVER("deliver/waits-for-its-address", test_it_waits_for_its_address);
    ADD_DELIVER("deliver/waits-as-long-as-it-was-asked-to",
                test_it_waits_as_long_as_it_was_asked_to);
    ADD_DELIVER("deliver/waits-within-a-bound", test_it_waits_within_a_bound);
    return g_test_run();
}
