/* A mail as text (RFC 5322, 2045, 2047), from fields that may hold anything. */
#include "chassis/client/mail_render.h"

#include "chassis/client/mail_address.h"

#include <string.h>

enum {
    MAX_SUBJECT_BYTES = 500,
    MAX_PLAIN_NAME_BYTES = 60,
    MAX_PLAIN_SUBJECT_BYTES = 66, /* with "Subject: " a line stays below 76 */
    MAX_BODY_BYTES = 256 * 1024,
    MAX_PLAIN_LINE_BYTES = 76,
    ENCODED_WORD_BYTES =
        39, /* base64 of 39 is 52; with =?UTF-8?B?, ?= and "Subject: " a line stays below 76 */
    BASE64_LINE_BYTES = 57, /* base64 of 57 is 76 */
};

/* ---- texts in headers ---- */

/* What no header may hold: anything that some program takes for the end of a line. */
static bool breaks_line(gunichar c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

static bool is_header_text(const char *text, size_t max_bytes)
{
    if (strlen(text) > max_bytes || !g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (breaks_line(g_utf8_get_char(c)))
            return false;
    }
    return true;
}

static bool is_ascii(const char *text)
{
    const char *c = text;
    while (*c != '\0' && (unsigned char)*c < 0x80)
        c++;
    return *c == '\0';
}

/* How many bytes of @text, whole characters, go into one encoded word. */
static size_t word_bytes(const char *text)
{
    size_t bytes = 0;
    while (text[bytes] != '\0') {
        size_t next = bytes + (size_t)(g_utf8_next_char(text + bytes) - (text + bytes));
        if (next > ENCODED_WORD_BYTES)
            break;
        bytes = next;
    }
    return bytes;
}

static bool needs_no_encoding(const char *text, size_t max_bytes)
{
    return is_ascii(text) && strlen(text) <= max_bytes && strstr(text, "=?") == NULL;
}

/* RFC 2047; one encoded word a line. */
static void append_encoded(GString *mail, const char *text)
{
    for (const char *rest = text; *rest != '\0';) {
        size_t bytes = word_bytes(rest);
        g_autofree char *word = g_base64_encode((const guchar *)rest, bytes);
        g_string_append_printf(mail, "%s=?UTF-8?B?%s?=", rest == text ? "" : "\r\n ", word);
        rest += bytes;
    }
}

static void append_subject(GString *mail, const char *subject)
{
    g_string_append(mail, "Subject: ");
    if (needs_no_encoding(subject, MAX_PLAIN_SUBJECT_BYTES))
        g_string_append(mail, subject);
    else
        append_encoded(mail, subject);
    g_string_append(mail, "\r\n");
}

/* The name in quotes, where it may hold any ASCII, or encoded. */
static void append_sender(GString *mail, const char *name, const char *address)
{
    g_autofree char *quoted_address = ch_mail_address_quoted(address);
    g_string_append(mail, "From: ");
    if (name == NULL) {
        g_string_append_printf(mail, "%s\r\n", quoted_address);
        return;
    }
    if (needs_no_encoding(name, MAX_PLAIN_NAME_BYTES)) {
        g_string_append_c(mail, '"');
        for (const char *c = name; *c != '\0'; c++)
            g_string_append_printf(mail, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        g_string_append_c(mail, '"');
    } else {
        append_encoded(mail, name);
    }
    g_string_append_printf(mail, "\r\n <%s>\r\n", quoted_address);
}

/* ---- body ---- */

/* CR, LF and CR LF all become CR LF. */
static GString *normalise(const char *body)
{
    GString *text = g_string_sized_new(strlen(body) + 2);
    for (const char *c = body; *c != '\0'; c++) {
        if (*c != '\r' && *c != '\n') {
            g_string_append_c(text, *c);
            continue;
        }
        if (c[0] == '\r' && c[1] == '\n')
            c++;
        g_string_append(text, "\r\n");
    }
    if (text->len > 0 && !g_str_has_suffix(text->str, "\r\n"))
        g_string_append(text, "\r\n");
    return text;
}

/* ASCII without control characters, in lines that any server takes. */
static bool is_plain(const GString *text)
{
    size_t line = 0;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->str[i];
        if (c == '\r' || c == '\n') {
            line = 0;
            continue;
        }
        if ((c < 0x20 && c != '\t') || c >= 0x7F || ++line > MAX_PLAIN_LINE_BYTES)
            return false;
    }
    return true;
}

static void append_base64(GString *mail, const GString *text)
{
    for (size_t i = 0; i < text->len; i += BASE64_LINE_BYTES) {
        size_t bytes = MIN(text->len - i, BASE64_LINE_BYTES);
        g_autofree char *line = g_base64_encode((const guchar *)text->str + i, bytes);
        g_string_append_printf(mail, "%s\r\n", line);
    }
}

/* ---- the whole ---- */

/* Names of days and months are English in mail, whatever the locale. */
static void append_date(GString *mail, int64_t unix_us)
{
    static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(unix_us / G_USEC_PER_SEC);
    g_assert(time != NULL);
    g_string_append_printf(
        mail, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n",
        days[g_date_time_get_day_of_week(time) - 1], g_date_time_get_day_of_month(time),
        months[g_date_time_get_month(time) - 1], g_date_time_get_year(time),
        g_date_time_get_hour(time), g_date_time_get_minute(time), g_date_time_get_second(time));
}

static bool check(const ChMail *mail, GError **error)
{
    const struct {
        bool ok;
        const char *fault;
    } checks[] = {
        { mail->from_name == NULL || is_header_text(mail->from_name, CH_MAIL_MAX_NAME_BYTES),
          "the sender's name is too long, not UTF-8 or breaks its line" },
        { ch_mail_address_valid(mail->from), "the sender is not one plain address" },
        { ch_mail_address_valid(mail->to), "the recipient is not one plain address" },
        { ch_mail_address_valid(mail->message_id), "the message id is not of the form id@domain" },
        { is_header_text(mail->subject, MAX_SUBJECT_BYTES),
          "the subject is too long, not UTF-8 or breaks its line" },
        { strlen(mail->body) <= MAX_BODY_BYTES, "the body is too long" },
        { g_utf8_validate(mail->body, -1, NULL), "the body is not UTF-8" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        if (!checks[i].ok) {
            g_set_error_literal(error, CH_ERROR, CH_ERROR_FAILED, checks[i].fault);
            return false;
        }
    }
    return true;
}

GString *ch_mail_render(const ChMail *mail, GError **error)
{
    if (!check(mail, error))
        return NULL;
    GString *body = normalise(mail->body);
    bool plain = is_plain(body);
    GString *text = g_string_sized_new(512 + body->len * 3 / 2);
    append_date(text, mail->unix_us);
    append_sender(text, mail->from_name, mail->from);
    g_autofree char *to = ch_mail_address_quoted(mail->to);
    g_string_append_printf(text, "To: %s\r\n", to);
    append_subject(text, mail->subject);
    g_string_append_printf(text,
                           "Message-ID: <%s>\r\nAuto-Submitted: auto-generated\r\n"
                           "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: %s\r\n\r\n",
                           mail->message_id, plain ? "7bit" : "base64");
    if (plain)
        g_string_append_len(text, body->str, (gssize)body->len);
    else
        append_base64(text, body);
    g_string_free(body, TRUE);
    return text;
}
