/* What the tests of delivering begin with. */
#include "deliver_fixture.h"

#include "chassis/core/log.h"

#include <fcntl.h>

void deliver_set_up(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
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

void deliver_tear_down(DeliverFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < f->n; i++)
        notification_delivery_free(f->deliveries[i]);
    fake_channel_clear(&f->email);
    fake_channel_clear(&f->sms);
    fake_templates_clear(&f->templates);
    fake_store_clear(&f->store);
}

void must_claim(DeliverFixture *f, int n, int64_t attempt)
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

const NotificationDelivery *must_send_one(DeliverFixture *f, int64_t attempt)
{
    must_claim(f, 1, attempt);
    notification_send(&f->gateways, f->deliveries, f->n);
    return f->deliveries[0];
}

void be_quiet(void)
{
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
}
