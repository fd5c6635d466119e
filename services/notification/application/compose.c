/* Fallback data, choice of channel and template, filling in. */
#include "notification/application/compose.h"

#include "chassis/core/hex.h"
#include "notification/application/templates.h"

enum {
    FALLBACK_ID_BYTES = 4, /* of the customer's id: 8 hexadecimal digits */
};

/* Texts around the first digits of @id: the same every time for the same customer. New. */
static char *make_up(const char *before, ChUuid id, const char *after)
{
    char digits[2 * FALLBACK_ID_BYTES + 1] = "";
    ch_hex_write(id.bytes, FALLBACK_ID_BYTES, digits);
    return g_strconcat(before, digits, after, NULL);
}

/* ---- where to ---- */

/* The template for @channel when there is one and the customer can be reached there. */
static const NotificationTemplate *choose_for(NotificationDelivery *delivery,
                                              NotificationChannelKind channel,
                                              const char *destination, const char *language)
{
    if (destination == NULL)
        return NULL;
    const NotificationTemplate *found =
        notification_template_choose(delivery->templates, delivery->code, channel, language);
    if (found == NULL)
        return NULL;
    delivery->channel = channel;
    delivery->destination = g_strdup(destination);
    return found;
}

/* E-mail first; SMS when there is no address or only templates for that. */
static const NotificationTemplate *choose(NotificationDelivery *delivery,
                                          const NotificationCustomer *customer, bool may_make_up)
{
    const char *language = customer->language;
    const NotificationTemplate *found =
        choose_for(delivery, NOTIFICATION_EMAIL, customer->email, language);
    if (found == NULL)
        found = choose_for(delivery, NOTIFICATION_SMS, customer->phone, language);
    if (found != NULL || customer->email != NULL || !may_make_up)
        return found;
    g_autofree char *address = make_up("customer", delivery->customer_id, "@example.com");
    found = choose_for(delivery, NOTIFICATION_EMAIL, address, language);
    delivery->fallback = found != NULL;
    return found;
}

static bool has_template(const NotificationDelivery *delivery, NotificationChannelKind channel)
{
    return notification_template_choose(delivery->templates, delivery->code, channel, NULL) != NULL;
}

/* Nothing was chosen. */
static NotificationComposition explain(const NotificationDelivery *delivery,
                                       const NotificationCustomer *customer, char **why)
{
    bool has_any =
        has_template(delivery, NOTIFICATION_EMAIL) || has_template(delivery, NOTIFICATION_SMS);
    const char *code = notification_code_info(delivery->code)->name;
    if (!has_any || customer->email != NULL) {
        *why =
            g_strdup_printf("there is no active template for %s", code != NULL ? code : "its code");
        return NOTIFICATION_NO_TEXT;
    }
    *why = customer->phone == NULL
               ? g_strdup(customer->why)
               : g_strdup_printf("%s, and there is no active SMS template for %s", customer->why,
                                 code);
    return customer->answer == NOTIFICATION_CUSTOMER_UNREACHABLE ? NOTIFICATION_CUSTOMER_AWAY
                                                                 : NOTIFICATION_NO_ADDRESS;
}

/* ---- what ---- */

static NotificationComposition fill_in(NotificationDelivery *delivery,
                                       const NotificationTemplate *template, char **why)
{
    g_autoptr(GError) error = NULL;
    if (notification_template_render(template, &delivery->values, &delivery->subject,
                                     &delivery->body, &error))
        return NOTIFICATION_COMPOSED;
    *why = g_strdup_printf("template: %s", error->message);
    return NOTIFICATION_NO_TEXT;
}

NotificationComposition notification_compose(NotificationDelivery *delivery,
                                             const NotificationCustomer *customer, bool may_make_up,
                                             char **why)
{
    const NotificationTemplate *template = choose(delivery, customer, may_make_up);
    delivery->customer_known =
        template != NULL || customer->answer != NOTIFICATION_CUSTOMER_UNREACHABLE;
    if (template == NULL)
        return explain(delivery, customer, why);
    g_autofree char *made_up = make_up("Customer ", delivery->customer_id, NULL);
    delivery->fallback = delivery->fallback || customer->name == NULL;
    notification_values_set(&delivery->values, delivery->code, "CustomerName",
                            customer->name != NULL ? customer->name : made_up);
    return fill_in(delivery, template, why);
}
