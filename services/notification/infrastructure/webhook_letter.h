/* A webhook as it is posted: its body, and the headers of Standard Webhooks. */
#pragma once

#include "notification/application/webhooks.h"

enum {
    NOTIFICATION_WEBHOOK_HEADERS = 6, /* and the NULL that ends them */
};

typedef struct {
    GString *body;
    ChTrace trace;                               /* of its posting: a child of the webhook's */
    char *headers[NOTIFICATION_WEBHOOK_HEADERS]; /* "Name: value", NULL-terminated */
} NotificationWebhookLetter;

/** Writes @webhook as it is sent at @now_us. False when its secret is none, or it is about nothing
 * that this build knows. Clear in any case. */
bool notification_webhook_letter_write(NotificationWebhookLetter *letter,
                                       const NotificationWebhook *webhook, int64_t now_us);
void notification_webhook_letter_clear(NotificationWebhookLetter *letter);
