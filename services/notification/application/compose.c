/* Fallback data, choice of the template, filling in. */
#include "notification/application/compose.h"

#include "chassis/core/hex.h"
#include "notification/application/templates.h"

enum {
    FALLBACK_ID_BYTES = 4, /* of the customer's id: 8 hexadecimal digits */
};

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

static char *compose_for(NotificationDelivery *delivery, const NotificationCustomer *customer)
{
    const NotificationTemplate *template = choose(delivery, customer);
    if (template == NULL) {
        const char *code = notification_code_info(delivery->code)->name;
        return g_strdup_printf("there is no active template for %s",
                               code != NULL ? code : "its code");
    }
    notification_values_set(&delivery->values, delivery->code, "CustomerName", customer->name);
    g_autoptr(GError) error = NULL;
    if (notification_template_render(template, &delivery->values, &delivery->subject,
                                     &delivery->body, &error))
        return NULL;
    return g_strdup_printf("template: %s", error->message);
}

char *notification_compose(NotificationDelivery *delivery, const NotificationCustomer *customer)
{
    delivery->customer_known = true;
    delivery->fallback = customer->name == NULL || customer->email == NULL;
    if (!delivery->fallback)
        return compose_for(delivery, customer);
    NotificationCustomer made_up = make_up(delivery->customer_id);
    char *why = compose_for(delivery, &made_up);
    notification_customer_clear(&made_up);
    return why;
}
