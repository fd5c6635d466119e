/* E-mail over SMTP. One thread owns a mailer. */
#pragma once

#include "chassis/client/mail_render.h"
#include "chassis/core/error.h"

#include <glib.h>
#include <stdint.h>

typedef struct ChMailer ChMailer;

typedef struct {
    /* smtp://host:port (STARTTLS when offered) or smtps://host:port (TLS required). It may hold
     * user and password, for which holds what is said below. */
    const char *url;
    /* NULL or "": none. With one TLS is required, so that no password goes in clear. */
    const char *username;
    const char *password;
    int64_t timeout_ms; /* of one mail; 0: 10 s */
} ChMailerConfig;

typedef enum {
    CH_MAIL_SENT,
    CH_MAIL_LATER,   /* no connection, time-out, 4xx: try again */
    CH_MAIL_REFUSED, /* 5xx or not a mail that can be sent: never try again */
} ChMailOutcome;

/** Copies all. Errors: CH_ERROR_CONFIG for a url that is none of these. */
CH_MUST_CHECK ChMailer *ch_mailer_new(const ChMailerConfig *config, GError **error);
void ch_mailer_free(ChMailer *mailer); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChMailer, ch_mailer_free)

/** Sends @mail. *reason (free with g_free(); may not be NULL) says why it was not sent, else NULL.
 */
ChMailOutcome ch_mail_send(ChMailer *mailer, const ChMail *mail, char **reason);
