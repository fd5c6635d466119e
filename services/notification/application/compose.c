/* Fallback data, choice of the template, filling in, and the delays between attempts. */
#include "notification/application/compose.h"

#include "chassis/core/hex.h"
#include "chassis/core/time.h"
#include "notification/application/use_cases.h"

enum {
    FALLBACK_ID_BYTES = 4, /* of the customer's id: 8 hexadecimal digits */
};

/* After attempt 1, 2, ...; each is spread by jitter, so that an outage does not end in a burst. */
static const int retry_delays_ms[] = { 5 * 1000, 30 * 1000, 120 * 1000, 600 * 1000 };
G_STATIC_ASSERT(G_N_ELEMENTS(retry_delays_ms) == NOTIFICATION_MAX_ATTEMPTS - 1);

void notification_fail_attempt(NotificationDelivery *delivery, char *why)
{
    g_free(delivery->error);
    delivery->error = why;
    if (delivery->attempt >= NOTIFICATION_MAX_ATTEMPTS) {
        delivery->verdict = NOTIFICATION_REFUSED;
        return;
    }
    delivery->verdict = NOTIFICATION_TRY_LATER;
    delivery->retry_after_ms = ch_time_jitter_ms(retry_delays_ms[delivery->attempt - 1]);
}

/* The same name and address every time for the same customer. */
static NotificationCustomer make_up(ChUuid id)
{
    char digits[2 * FALLBACK_ID_BYTES + 1] = "";
    ch_hex_write(id.bytes, FALLBACK_ID_BYTES, digits);
    return (NotificationCustomer){
        .name = g_strconcat("Customer ", digits, NULL),
        .email = g_strconcat("customer", digits, "@example.com", NULL),
    };
}

/* E-mail first; SMS when there are only templates for that. */
static const NotificationTemplate *choose(NotificationDelivery *delivery,
                                          const NotificationCustomer *customer)
{
    const NotificationTemplate *found = notification_template_choose(
        delivery->templates, delivery->code, NOTIFICATION_EMAIL, customer->language);
    const char *destination = customer->email;
    if (found == NULL && customer->phone != NULL) {
        found = notification_template_choose(delivery->templates, delivery->code, NOTIFICATION_SMS,
                                             customer->language);
        destination = customer->phone;
    }
    if (found == NULL)
        return NULL;
    delivery->channel = found->channel;
    delivery->destination = g_strdup(destination);
    return found;
}

static bool compose_for(NotificationDelivery *delivery, const NotificationCustomer *customer)
{
    const NotificationTemplate *template = choose(delivery, customer);
    if (template == NULL) { /* an operator may put that right before the last attempt */
        const char *code = notification_code_info(delivery->code)->name;
        notification_fail_attempt(delivery, g_strdup_printf("there is no active template for %s",
                                                            code != NULL ? code : "its code"));
        return false;
    }
    notification_values_set(&delivery->values, delivery->code, "CustomerName", customer->name);
    g_autoptr(GError) error = NULL;
    if (notification_template_render(template, &delivery->values, &delivery->subject,
                                     &delivery->body, &error))
        return true;
    notification_fail_attempt(delivery, g_strdup_printf("template: %s", error->message));
    return false;
}

bool notification_compose(NotificationDelivery *delivery, const NotificationCustomer *customer)
{
    delivery->customer_known = true;
    delivery->fallback = customer->name == NULL || customer->email == NULL;
    if (!delivery->fallback)
        return compose_for(delivery, customer);
    NotificationCustomer made_up = make_up(delivery->customer_id);
    bool composed = compose_for(delivery, &made_up);
    notification_customer_clear(&made_up);
    return composed;
}
