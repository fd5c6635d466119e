/* Names and lives of what the service knows. */
#include "notification/application/notifications.h"

#include <glib.h>
#include <string.h>

static const char *const channel_names[] = {
    [NOTIFICATION_NO_CHANNEL] = NULL,
    [NOTIFICATION_EMAIL] = "Email",
    [NOTIFICATION_SMS] = "Sms",
};
G_STATIC_ASSERT(G_N_ELEMENTS(channel_names) == NOTIFICATION_CHANNELS_N);

static const char *const status_names[] = {
    [NOTIFICATION_PENDING] = "Pending",
    [NOTIFICATION_SENDING] = "Sending",
    [NOTIFICATION_SENT] = "Sent",
    [NOTIFICATION_FAILED] = "Failed",
};

static const NotificationCodeInfo codes[] = {
    [NOTIFICATION_ORDER_CONFIRMED] = { "ORDER_CONFIRMED",
                                       "OrderConfirmedEvent",
                                       "order.confirmed",
                                       { "OrderNumber", "OrderTotal", "Currency",
                                         "CustomerName" } },
    [NOTIFICATION_ORDER_CANCELLED] = { "ORDER_CANCELLED",
                                       "OrderCancelledEvent",
                                       "order.cancelled",
                                       { "OrderId", "Reason", "CustomerName" } },
    [NOTIFICATION_CODES_N] = { NULL, NULL, NULL, { NULL } },
};

const char *notification_channel_name(NotificationChannelKind kind)
{
    return kind > NOTIFICATION_NO_CHANNEL && kind < NOTIFICATION_CHANNELS_N ? channel_names[kind]
                                                                            : NULL;
}

const char *notification_status_name(NotificationStatus status)
{
    g_assert(status >= NOTIFICATION_PENDING && status <= NOTIFICATION_FAILED);
    return status_names[status];
}

bool notification_status_parse(const char *name, NotificationStatus *status)
{
    for (NotificationStatus s = NOTIFICATION_PENDING; s <= NOTIFICATION_FAILED; s++) {
        if (strcmp(name, status_names[s]) == 0) {
            *status = s;
            return true;
        }
    }
    return false;
}

const NotificationCodeInfo *notification_code_info(NotificationCode code)
{
    g_assert(code <= NOTIFICATION_CODES_N);
    return &codes[code];
}

NotificationCode notification_code_find(const char *name)
{
    NotificationCode code = 0;
    while (code < NOTIFICATION_CODES_N && g_strcmp0(name, codes[code].name) != 0)
        code++;
    return code;
}

NotificationCode notification_code_of_webhook(const char *type)
{
    NotificationCode code = 0;
    while (code < NOTIFICATION_CODES_N && strcmp(type, codes[code].webhook_type) != 0)
        code++;
    return code;
}

void notification_values_clear(NotificationValues *values)
{
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS; i++)
        g_clear_pointer(&values->text[i], g_free);
}

void notification_values_set(NotificationValues *values, NotificationCode code,
                             const char *placeholder, const char *text)
{
    const char *const *names = notification_code_info(code)->placeholders;
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        if (strcmp(names[i], placeholder) != 0)
            continue;
        g_free(values->text[i]);
        values->text[i] = g_utf8_strlen(text, -1) <= NOTIFICATION_MAX_VALUE_CHARS
                              ? g_strdup(text)
                              : g_utf8_substring(text, 0, NOTIFICATION_MAX_VALUE_CHARS);
    }
}

const char *notification_values_find(const NotificationValues *values, NotificationCode code,
                                     const char *placeholder)
{
    const char *const *names = notification_code_info(code)->placeholders;
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        if (strcmp(names[i], placeholder) == 0)
            return values->text[i];
    }
    return NULL;
}

void notification_event_free(void *opaque)
{
    NotificationEvent *event = opaque;
    if (event == NULL)
        return;
    notification_values_clear(&event->values);
    g_free(event);
}

void notification_template_free(void *opaque)
{
    NotificationTemplate *template = opaque;
    if (template == NULL)
        return;
    g_free(template->language);
    g_free(template->subject);
    g_free(template->body);
    g_free(template);
}

void notification_entry_free(void *opaque)
{
    NotificationEntry *entry = opaque;
    if (entry == NULL)
        return;
    notification_values_clear(&entry->values);
    g_free(entry->destination);
    g_free(entry->subject);
    g_free(entry->body);
    g_free(entry->error);
    g_free(entry->customer_source);
    g_free(entry->trace_id);
    g_free(entry);
}
