/* Mail: addresses, subject and body to a message. Input: the time (8 bytes), then each ended by a
 * zero byte: sender, recipient, message id, subject, body. */
#include "fuzz.h"

#include "chassis/client/mail.h"
#include "chassis/client/mail_address.h"

#include <string.h>

enum {
    MAX_LINE_BYTES = 998, /* RFC 5322, section 2.1.1 */
    HEAD_BYTES = 4096,    /* more than all headers at their longest */
};

static const char *const header_names[] = {
    "Date",         "From",         "To",
    "Subject",      "Message-ID",   "Auto-Submitted",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
};

/* Nobody can take anything in the message for the end of a line, or for a character of its own. */
static void check_lines(const GString *text)
{
    size_t line = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->str[i];
        g_assert_true(c == '\r' || c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f));
        g_assert_true((c == '\r') == (text->str[i + 1] == '\n'));
        line = c == '\n' ? 0 : line + 1;
        g_assert_cmpuint(line, <=, MAX_LINE_BYTES + 1); /* and its \r */
    }
}

/* The words of an encoded subject, decoded; each is at most 75 characters long. */
static char *decode_subject(const char *value)
{
    if (strstr(value, "=?") == NULL)
        return g_strdup(value);
    g_autoptr(GString) subject = g_string_new(NULL);
    g_auto(GStrv) words = g_strsplit(value, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        gsize n = 0;
        g_assert_true(g_str_has_prefix(*word, "=?UTF-8?B?") && g_str_has_suffix(*word, "?="));
        g_assert_cmpuint(strlen(*word), <=, 75);
        (*word)[strlen(*word) - 2] = '\0';
        g_autofree guchar *decoded = g_base64_decode(*word + strlen("=?UTF-8?B?"), &n);
        g_assert_true(g_utf8_validate_len((char *)decoded, n, NULL));
        g_string_append_len(subject, (char *)decoded, (gssize)n);
    }
    return g_string_free(g_steal_pointer(&subject), FALSE);
}

/* The header @name with @address: what stands before the @ is in quotes where a point is not
 * between two other characters. */
static char *address_header(const char *name, const char *address)
{
    const char *at = strchr(address, '@');
    bool odd =
        *address == '.' || at[-1] == '.' || g_strstr_len(address, at - address, "..") != NULL;
    return g_strdup_printf("%s: %s%.*s%s%s", name, odd ? "\"" : "", (int)(at - address), address,
                           odd ? "\"" : "", at);
}

/* Exactly our headers, in our order, each once; @head is one header a line. */
static void check_head(const char *head, const ChMail *mail)
{
    g_autofree char *from = address_header("From", mail->from);
    g_autofree char *to = address_header("To", mail->to);
    g_autofree char *id = g_strdup_printf("Message-ID: <%s>", mail->message_id);
    g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(header_names));
    for (size_t i = 0; i < G_N_ELEMENTS(header_names); i++) {
        size_t n = strlen(header_names[i]);
        g_assert_cmpmem(lines[i], MIN(n, strlen(lines[i])), header_names[i], n);
        g_assert_cmpint(lines[i][n], ==, ':');
    }
    g_assert_cmpstr(lines[1], ==, from);
    g_assert_cmpstr(lines[2], ==, to);
    g_assert_cmpstr(lines[4], ==, id);
    g_autofree char *subject = decode_subject(lines[3] + strlen("Subject: "));
    g_assert_cmpstr(subject, ==, mail->subject);
}

/* The body as any line ends in any program would read it. */
static char *unix_lines(const char *body)
{
    g_autoptr(GString) text = g_string_new(body);
    g_string_replace(text, "\r\n", "\n", 0);
    g_string_replace(text, "\r", "\n", 0);
    if (text->len > 0 && text->str[text->len - 1] != '\n')
        g_string_append_c(text, '\n');
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void check_body(const char *body, bool base64, const ChMail *mail)
{
    gsize n = 0;
    g_autofree char *decoded = base64 ? (char *)g_base64_decode(body, &n) : g_strdup(body);
    g_autofree char *text = g_strndup(decoded, base64 ? n : strlen(decoded));
    g_autofree char *read = unix_lines(text);
    g_autofree char *expected = unix_lines(mail->body);
    g_assert_cmpstr(read, ==, expected);
}

static void check_message(const GString *text, const ChMail *mail)
{
    check_lines(text);
    g_assert_cmpuint(text->len, <=, HEAD_BYTES + 3 * strlen(mail->body));
    const char *end = strstr(text->str, "\r\n\r\n");
    g_assert_nonnull(end);
    GString *head = g_string_new_len(text->str, end - text->str);
    g_string_replace(head, "\r\n ", " ", 0); /* folded lines */
    check_head(head->str, mail);
    check_body(end + 4, g_str_has_suffix(head->str, "base64"), mail);
    g_string_free(head, TRUE);
}

static bool breaks_line(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static bool has_break(const char *text)
{
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (breaks_line(g_utf8_get_char(c)))
            return true;
    }
    return false;
}

/* One plain address has one @, and nothing that ends a header or an SMTP command. */
static void check_address(const char *address)
{
    if (g_utf8_validate(address, -1, NULL)) {
        g_autofree char *clean = ch_mail_address_clean(address);
        g_autofree char *again = clean != NULL ? ch_mail_address_clean(clean) : NULL;
        g_assert_true(clean == NULL || ch_mail_address_valid(clean));
        g_assert_cmpstr(again, ==, clean);
    }
    if (!ch_mail_address_valid(address))
        return;
    g_assert_cmpuint(strlen(address), <=, 64 + 1 + 253);
    g_assert_true(strchr(address, '@') != NULL && strchr(address, '@') == strrchr(address, '@'));
    g_assert_null(strpbrk(address, " \t\r\n<>()[]\\,;:\""));
    g_assert_true(fuzz_is_printable(address) && g_str_is_ascii(address));
}

/* The rules of mail.h. */
static bool is_sendable(const ChMail *mail)
{
    return ch_mail_address_valid(mail->from) && ch_mail_address_valid(mail->to) &&
           ch_mail_address_valid(mail->message_id) && strlen(mail->subject) <= 500 &&
           g_utf8_validate(mail->subject, -1, NULL) && !has_break(mail->subject) &&
           strlen(mail->body) <= 256 * 1024 && g_utf8_validate(mail->body, -1, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    int64_t unix_us = (int64_t)(fuzz_u64(&input) % (UINT64_C(253402300800) * G_USEC_PER_SEC));
    g_autofree char *from = fuzz_text(&input);
    g_autofree char *to = fuzz_text(&input);
    g_autofree char *id = fuzz_text(&input);
    g_autofree char *subject = fuzz_text(&input);
    g_autofree char *body = fuzz_text(&input);
    const ChMail mail = {
        .from = from,
        .to = to,
        .subject = subject,
        .body = body,
        .message_id = id,
        .unix_us = unix_us,
    };
    g_autoptr(GError) error = NULL;
    check_address(from);
    check_address(to);
    GString *text = ch_mail_render(&mail, &error);
    g_assert_true((text != NULL) == is_sendable(&mail));
    if (text == NULL) {
        fuzz_assert_error(error, CH_ERROR_FAILED, 128);
        return 0;
    }
    check_message(text, &mail);
    g_string_free(text, TRUE);
    return 0;
}
