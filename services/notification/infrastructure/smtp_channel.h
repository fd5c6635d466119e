/* A channel to a mail server; for one lane. */
#pragma once

#include "notification/application/ports.h"
#include "notification/infrastructure/sending.h"

/** All borrowed. */
typedef struct {
    const char *url; /* smtp:// or smtps:// */
    const char *username, *password;
    const char *from;       /* an address, or a name and it: Shop <orders@example.com> */
    const char *sms_domain; /* "": e-mail. Else a gateway that takes mail to <digits>@this */
    NotificationCancellation cancellation;
} NotificationSmtpConfig;

/** Errors: CONFIG. */
CH_MUST_CHECK NotificationChannel *
notification_smtp_channel_new(const NotificationSmtpConfig *config, GError **error);
