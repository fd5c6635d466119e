/* E-mail over SMTP. One thread owns a mailer. */
#pragma once

#include "chassis/core/error.h"

#include <glib.h>
#include <stdint.h>

typedef struct ChMailer ChMailer;

typedef struct {
    const char
        *url; /* smtp://host:port (STARTTLS when offered) or smtps://host:port (TLS required) */
    const char
        *username; /* NULL or "": none. Then TLS is required, so that no password goes in clear */
    const char *password;
    int64_t timeout_ms; /* of one mail; 0: 10 s */
} ChMailerConfig;

typedef struct {
    const char *from;       /* one address, local@domain */
    const char *to;         /* one address */
    const char *subject;    /* UTF-8, at most 500 bytes */
    const char *body;       /* UTF-8 text, any line ends, at most 256 KiB */
    const char *message_id; /* without angle brackets, id@domain: the same for every try, so that a
                               receiver can tell a repeat */
    int64_t unix_us;        /* the Date header */
} ChMail;

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

/** The message as it goes over the wire, CRLF line ends. Errors: CH_ERROR_FAILED naming the field
 * that holds a control character, is no address or too long. Free with g_string_free(). */
CH_MUST_CHECK GString *ch_mail_render(const ChMail *mail, GError **error);

/** One plain address: letters, digits and !#$%&'*+-/=?^_`{|}~. before the @ (64 at most), a domain
 * of letters, digits, hyphens and points after it. No quotes, comments, display names or lists. */
bool ch_mail_address_valid(const char *address);
