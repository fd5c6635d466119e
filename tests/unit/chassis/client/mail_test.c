/* Mail: what is refused, how it is written, and what an SMTP server's answers mean. */
#include "chassis/client/mail.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 2026-11-22T10:47:00Z, a Sunday */
#define UNIX_US (G_GINT64_CONSTANT(1795344420) * G_USEC_PER_SEC)

static ChMail plain_mail(void)
{
    return (ChMail){ .from = "orders@example.com",
                     .to = "customer@example.org",
                     .subject = "Your order",
                     .body = "Hello",
                     .message_id = "0190a5c4@orders.example.com",
                     .unix_us = UNIX_US };
}

static void test_renders_plain(void)
{
    ChMail mail = plain_mail();
    mail.body = "one\ntwo\rthree\r\n.\n\nfour";
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = ch_mail_render(&mail, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text->str, ==,
                    "Date: Sun, 22 Nov 2026 10:47:00 +0000\r\n"
                    "From: orders@example.com\r\nTo: customer@example.org\r\n"
                    "Subject: Your order\r\n"
                    "Message-ID: <0190a5c4@orders.example.com>\r\n"
                    "Auto-Submitted: auto-generated\r\n"
                    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: 7bit\r\n\r\n"
                    "one\r\ntwo\r\nthree\r\n.\r\n\r\nfour\r\n");
}

/* What the encoded words of a mail stand for; each is short and whole characters. */
static char *decode_words(const char *mail)
{
    static const char start[] = "=?UTF-8?B?";
    GString *text = g_string_new(NULL);
    for (const char *word = strstr(mail, start); word != NULL; word = strstr(word, start)) {
        word += strlen(start);
        size_t bytes = strcspn(word, "?");
        g_assert_cmpuint(strlen(start) + bytes + 2, <=, 75);
        g_autofree char *base64 = g_strndup(word, bytes);
        gsize decoded_bytes = 0;
        g_autofree guchar *decoded = g_base64_decode(base64, &decoded_bytes);
        g_assert_true(g_utf8_validate((char *)decoded, (gssize)decoded_bytes, NULL));
        g_string_append_len(text, (char *)decoded, (gssize)decoded_bytes);
    }
    return g_string_free(text, FALSE);
}

static void test_encodes_what_is_not_plain(void)
{
    ChMail mail = plain_mail();
    mail.subject = "Gr\xc3\xbc\xc3\x9f"
                   "e aus K\xc3\xb6ln: Ihre Bestellung ist best\xc3\xa4tigt und unterwegs";
    mail.body = "Gr\xc3\xbc\xc3\x9f"
                "e\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = ch_mail_render(&mail, &error);
    g_assert_no_error(error);
    g_autofree char *subject = decode_words(text->str);
    g_assert_cmpstr(subject, ==, mail.subject);
    g_assert_nonnull(
        strstr(text->str, "Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ0K\r\n"));
    for (const char *c = text->str; *c != '\0'; c++)
        g_assert_true((unsigned char)*c < 0x80);
    mail = plain_mail();
    mail.subject = "=?UTF-8?Q?not_ours?=";
    g_autoptr(GString) looks_encoded = ch_mail_render(&mail, &error);
    g_assert_no_error(error);
    g_assert_null(strstr(looks_encoded->str, "not_ours"));
}

/* The lines of the header From of a mail from @name. */
static char *from_header(const char *name, const char *address)
{
    ChMail mail = plain_mail();
    mail.from_name = name;
    mail.from = address;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = ch_mail_render(&mail, &error);
    g_assert_no_error(error);
    const char *start = strstr(text->str, "From: ");
    return g_strndup(start, (size_t)(strstr(start, "\r\nTo: ") - start));
}

static void test_a_sender_has_a_name(void)
{
    g_autofree char *plain = from_header("Shop, \"Inc\" \\", "orders@example.com");
    g_assert_cmpstr(plain, ==, "From: \"Shop, \\\"Inc\\\" \\\\\"\r\n <orders@example.com>");
    g_autofree char *encoded = from_header("Caf\u00e9 M\u00fcller", "a..b@example.com");
    g_assert_cmpstr(encoded, ==,
                    "From: =?UTF-8?B?Q2Fmw6kgTcO8bGxlcg==?=\r\n <\"a..b\"@example.com>");
    g_autofree char *name = g_strnfill(200, 'x');
    g_autofree char *folded = from_header(name, "orders@example.com");
    g_autofree char *decoded = decode_words(folded);
    g_assert_cmpstr(decoded, ==, name);
    g_auto(GStrv) lines = g_strsplit(folded, "\r\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++)
        g_assert_cmpuint(strlen(lines[i]), <=, 76);
}

static void test_long_lines_are_encoded(void)
{
    ChMail mail = plain_mail();
    g_autofree char *line = g_strnfill(2000, 'x');
    mail.body = line;
    g_autoptr(GString) text = ch_mail_render(&mail, NULL);
    g_auto(GStrv) lines = g_strsplit(text->str, "\r\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++)
        g_assert_cmpuint(strlen(lines[i]), <=, 76);
}

static void test_refuses_injection(void)
{
    static const char *const bad[] = { "a\rb",
                                       "a\nb",
                                       "a\r\nBcc: x@y",
                                       ("a\xe2\x80\xa8"
                                        "b"),
                                       "a\xe2\x80\xa9",
                                       "a\xc2\x85",
                                       "a\x01",
                                       "a\x7f",
                                       "a\xff" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ChMail subject = plain_mail();
        ChMail to = plain_mail();
        ChMail from = plain_mail();
        ChMail id = plain_mail();
        ChMail name = plain_mail();
        subject.subject = to.to = from.from = id.message_id = name.from_name = bad[i];
        const ChMail *const mails[] = { &subject, &to, &from, &id, &name };
        for (size_t k = 0; k < G_N_ELEMENTS(mails); k++) {
            g_autoptr(GError) error = NULL;
            g_assert_null(ch_mail_render(mails[k], &error));
            g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
        }
    }
    ChMail body = plain_mail();
    body.body = "\xff";
    g_autoptr(GError) error = NULL;
    g_assert_null(ch_mail_render(&body, &error));
}

/* ---- an SMTP server that says what it is told to ---- */

typedef struct {
    int listener;
    char *url;
    const char *greeting;
    const char *to_rcpt;
    const char *to_text;
    GString *heard;
    pthread_t thread;
    bool running;
} Smtp;

static void say(int fd, const char *line)
{
    g_autofree char *text = g_strconcat(line, "\r\n", NULL);
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* One line without its end; NULL when the client is gone. */
static char *hear_line(int fd)
{
    GString *line = g_string_new(NULL);
    char c = 0;
    while (recv(fd, &c, 1, 0) == 1) {
        if (c == '\n')
            return g_strchomp(g_string_free(line, FALSE));
        g_string_append_c(line, c);
    }
    g_string_free(line, TRUE);
    return NULL;
}

static void hear_text(Smtp *smtp, int fd)
{
    for (;;) {
        g_autofree char *line = hear_line(fd);
        if (line == NULL || strcmp(line, ".") == 0)
            return;
        g_string_append_printf(smtp->heard, "%s\n", line);
    }
}

static void converse(Smtp *smtp, int fd)
{
    say(fd, smtp->greeting);
    for (;;) {
        g_autofree char *line = hear_line(fd);
        if (line == NULL)
            return;
        g_string_append_printf(smtp->heard, "%s\n", line);
        if (g_str_has_prefix(line, "RCPT")) {
            say(fd, smtp->to_rcpt);
        } else if (strcmp(line, "DATA") == 0) {
            say(fd, "354 go on");
            hear_text(smtp, fd);
            say(fd, smtp->to_text);
        } else {
            say(fd, "250 fine");
        }
    }
}

static void *serve(void *context)
{
    Smtp *smtp = context;
    int fd = accept(smtp->listener, NULL, NULL);
    if (fd >= 0) {
        converse(smtp, fd);
        close(fd);
    }
    return NULL;
}

static void smtp_start(Smtp *smtp)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } address = { .v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } } };
    socklen_t bytes = sizeof(address.v4);
    smtp->heard = g_string_new(NULL);
    smtp->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(smtp->listener, &address.any, bytes), ==, 0);
    g_assert_cmpint(listen(smtp->listener, 4), ==, 0);
    g_assert_cmpint(getsockname(smtp->listener, &address.any, &bytes), ==, 0);
    smtp->url = g_strdup_printf("smtp://127.0.0.1:%u", ntohs(address.v4.sin_port));
    g_assert_cmpint(pthread_create(&smtp->thread, NULL, serve, smtp), ==, 0);
    smtp->running = true;
}

/* Until its client is gone; only then may `heard` be read. */
static void smtp_wait(Smtp *smtp)
{
    if (smtp->running)
        pthread_join(smtp->thread, NULL);
    smtp->running = false;
}

static void smtp_stop(Smtp *smtp)
{
    smtp_wait(smtp);
    close(smtp->listener);
    g_string_free(smtp->heard, TRUE);
    g_free(smtp->url);
}

static ChMailOutcome send_one(const char *url, const ChMail *mail, char **reason)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ChMailer) mailer = ch_mailer_new(&(ChMailerConfig){ .url = url }, &error);
    g_assert_no_error(error);
    return ch_mail_send(mailer, mail, reason);
}

static void test_sends(void)
{
    Smtp smtp = { .greeting = "220 hello", .to_rcpt = "250 fine", .to_text = "250 taken" };
    smtp_start(&smtp);
    ChMail mail = plain_mail();
    mail.body = "one\n.\n..two";
    g_autofree char *reason = NULL;
    g_assert_cmpint(send_one(smtp.url, &mail, &reason), ==, CH_MAIL_SENT);
    g_assert_null(reason);
    smtp_wait(&smtp);
    g_assert_nonnull(strstr(smtp.heard->str, "MAIL FROM:<orders@example.com>"));
    g_assert_nonnull(strstr(smtp.heard->str, "RCPT TO:<customer@example.org>\n"));
    g_assert_nonnull(strstr(smtp.heard->str, "\none\n..\n...two\n")); /* stuffed, not an end */
    smtp_stop(&smtp);
}

/* Some providers have handed out points where the standard has none: in quotes all is well. */
static void test_sends_to_odd_addresses(void)
{
    Smtp smtp = { .greeting = "220 hello", .to_rcpt = "250 fine", .to_text = "250 taken" };
    smtp_start(&smtp);
    ChMail mail = plain_mail();
    mail.from_name = "Shop";
    mail.to = "taro..y.@example.org";
    g_autofree char *reason = NULL;
    g_assert_cmpint(send_one(smtp.url, &mail, &reason), ==, CH_MAIL_SENT);
    smtp_wait(&smtp);
    g_assert_nonnull(strstr(smtp.heard->str, "MAIL FROM:<orders@example.com>"));
    g_assert_nonnull(strstr(smtp.heard->str, "RCPT TO:<\"taro..y.\"@example.org>\n"));
    g_assert_nonnull(strstr(smtp.heard->str, "\nTo: \"taro..y.\"@example.org\n"));
    smtp_stop(&smtp);
}

static void test_answers(void)
{
    static const struct {
        const char *greeting;
        const char *to_rcpt;
        const char *to_text;
        ChMailOutcome outcome;
    } rows[] = {
        { "220 hello", "550 no such user", "250 taken", CH_MAIL_REFUSED },
        { "220 hello", "450 mailbox busy", "250 taken", CH_MAIL_LATER },
        { "220 hello", "250 fine", "554 looks like spam", CH_MAIL_REFUSED },
        { "220 hello", "250 fine", "451 disk full", CH_MAIL_LATER },
        { "554 no service", "250 fine", "250 taken", CH_MAIL_LATER },
        { "421 too busy", "250 fine", "250 taken", CH_MAIL_LATER },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Smtp smtp = { .greeting = rows[i].greeting,
                      .to_rcpt = rows[i].to_rcpt,
                      .to_text = rows[i].to_text };
        smtp_start(&smtp);
        ChMail mail = plain_mail();
        g_autofree char *reason = NULL;
        g_test_message("%s, %s, %s", rows[i].greeting, rows[i].to_rcpt, rows[i].to_text);
        g_assert_cmpint(send_one(smtp.url, &mail, &reason), ==, rows[i].outcome);
        g_assert_nonnull(reason);
        smtp_stop(&smtp);
    }
}

static void test_no_server_is_later(void)
{
    ChMail mail = plain_mail();
    g_autofree char *reason = NULL;
    g_assert_cmpint(send_one("smtp://127.0.0.1:1", &mail, &reason), ==, CH_MAIL_LATER);
    g_assert_nonnull(reason);
}

static void test_bad_mail_is_refused_unsent(void)
{
    ChMail mail = plain_mail();
    mail.to = "a@b\r\nRCPT TO:<c@d>";
    g_autofree char *reason = NULL;
    g_assert_cmpint(send_one("smtp://127.0.0.1:1", &mail, &reason), ==, CH_MAIL_REFUSED);
    g_assert_cmpstr(reason, ==, "the recipient is not one plain address");
}

/* To a server that offers neither TLS nor a login. */
static void assert_no_password_in_clear(const char *login_in_url, const char *username)
{
    Smtp smtp = { .greeting = "220 hello", .to_rcpt = "250 fine", .to_text = "250 taken" };
    smtp_start(&smtp);
    g_autofree char *url =
        g_strdup_printf("smtp://%s%s", login_in_url, smtp.url + strlen("smtp://"));
    g_autoptr(ChMailer) mailer = ch_mailer_new(
        &(ChMailerConfig){ .url = url, .username = username, .password = "secret" }, NULL);
    ChMail mail = plain_mail();
    g_autofree char *reason = NULL;
    g_assert_cmpint(ch_mail_send(mailer, &mail, &reason), ==, CH_MAIL_LATER);
    g_assert_nonnull(strstr(reason, "STARTTLS"));
    ch_mailer_free(g_steal_pointer(&mailer));
    smtp_wait(&smtp);
    g_assert_null(strstr(smtp.heard->str, "AUTH"));
    g_assert_null(strstr(smtp.heard->str, "MAIL"));
    smtp_stop(&smtp);
}

static void test_password_needs_tls(void)
{
    assert_no_password_in_clear("", "user");
}

static void test_password_in_the_url_needs_tls(void)
{
    assert_no_password_in_clear("user:secret@", "");
    assert_no_password_in_clear("user@", "");
}

static void test_bad_url(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(ch_mailer_new(&(ChMailerConfig){ .url = "http://x" }, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mail/renders-plain", test_renders_plain);
    g_test_add_func("/mail/encodes-what-is-not-plain", test_encodes_what_is_not_plain);
    g_test_add_func("/mail/a-sender-has-a-name", test_a_sender_has_a_name);
    g_test_add_func("/mail/long-lines-are-encoded", test_long_lines_are_encoded);
    g_test_add_func("/mail/refuses-injection", test_refuses_injection);
    g_test_add_func("/mail/sends", test_sends);
    g_test_add_func("/mail/sends-to-odd-addresses", test_sends_to_odd_addresses);
    g_test_add_func("/mail/answers", test_answers);
    g_test_add_func("/mail/no-server-is-later", test_no_server_is_later);
    g_test_add_func("/mail/bad-mail-is-refused-unsent", test_bad_mail_is_refused_unsent);
    g_test_add_func("/mail/password-needs-tls", test_password_needs_tls);
    g_test_add_func("/mail/password-in-the-url-needs-tls", test_password_in_the_url_needs_tls);
    g_test_add_func("/mail/bad-url", test_bad_url);
    return g_test_run();
}
