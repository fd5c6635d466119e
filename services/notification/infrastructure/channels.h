/* The ways out: into the log alone, to an HTTP gateway, to a mail server. Each for one lane. */
#pragma once

#include "notification/application/ports.h"

enum {
    NOTIFICATION_SEND_BUDGET_MS = 10 * 1000,  /* for a batch; after it nothing new is begun */
    NOTIFICATION_SEND_TIMEOUT_MS = 10 * 1000, /* of one message */
};

/** true: the process stops; what is not under way yet is given back. */
typedef struct {
    bool (*cancelled)(void *context);
    void *context;
} NotificationPatience;

/** Sends nothing: that the notification is in the log is all. */
NotificationChannel *notification_log_channel_new(void);

/** POSTs {"to", "subject", "body"} with an Idempotency-Key to @url. Borrows both; @name
 * labels its metrics. Errors: CONFIG. */
CH_MUST_CHECK NotificationChannel *notification_http_channel_new(const char *name, const char *url,
                                                                 NotificationPatience patience,
                                                                 GError **error);

/** All borrowed. */
typedef struct {
    const char *url; /* smtp:// or smtps:// */
    const char *username, *password;
    const char *from;
    const char *sms_domain; /* "": e-mail. Else a gateway that takes mail to <digits>@this */
    NotificationPatience patience;
} NotificationSmtpConfig;

/** Errors: CONFIG. */
CH_MUST_CHECK NotificationChannel *
notification_smtp_channel_new(const NotificationSmtpConfig *config, GError **error);
