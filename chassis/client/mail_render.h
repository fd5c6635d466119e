/* A mail as text. */
#pragma once

#include "chassis/core/error.h"

#include <glib.h>
#include <stdint.h>

enum {
    CH_MAIL_MAX_NAME_BYTES = 200
};

typedef struct {
    const char *from_name;  /* of the sender, UTF-8, CH_MAIL_MAX_NAME_BYTES; NULL: none */
    const char *from;       /* one plain address, local@domain */
    const char *to;         /* one plain address */
    const char *subject;    /* UTF-8, at most 500 bytes */
    const char *body;       /* UTF-8 text, any line ends, at most 256 KiB */
    const char *message_id; /* without angle brackets, id@domain: the same for every try, so that a
                               receiver can tell a repeat */
    int64_t unix_us;        /* the Date header */
} ChMail;

/** The message as it goes over the wire, CRLF line ends. Errors: CH_ERROR_FAILED naming the field
 * that holds a control character, is no address or too long. Free with g_string_free(). */
CH_MUST_CHECK GString *ch_mail_render(const ChMail *mail, GError **error);
