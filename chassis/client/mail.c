/* Sending mail through libcurl. */
#include "chassis/client/mail.h"

#include "chassis/client/curl.h"
#include "chassis/client/mail_address.h"
#include "chassis/core/url.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

enum {
    DEFAULT_TIMEOUT_MS = 10000
};

struct ChMailer {
    char *url;
    char *username; /* NULL: none */
    char *password;
    int64_t timeout_ms;
    CURL *easy; /* keeps the connection from one mail to the next */
};

/* The message on its way out. */
typedef struct {
    const GString *text;
    size_t sent;
} Upload;

CH_COUNTER(mails_total, "cartwheel_mail_total", "Mails given to the SMTP server, by outcome.",
           "outcome");

static size_t read_upload(char *buffer, size_t size, size_t n, void *context)
{
    Upload *upload = context;
    size_t bytes = MIN(size * n, upload->text->len - upload->sent);
    memcpy(buffer, upload->text->str + upload->sent, bytes);
    upload->sent += bytes;
    return bytes;
}

static void set_server(const ChMailer *mailer)
{
    CURL *easy = mailer->easy;
    curl_easy_reset(easy); /* keeps the connection */
    ch_curl_protect(easy, "smtp,smtps", mailer->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_URL, mailer->url);
    /* A password never goes in clear, wherever it was given; without one STARTTLS is used where it
     * is offered. */
    bool has_login = mailer->username != NULL || ch_url_has_login(mailer->url);
    curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)(has_login ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (mailer->username != NULL) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, mailer->username);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, mailer->password);
    }
}

/* @address as SMTP commands have it; new. */
static char *bracketed(const char *address)
{
    g_autofree char *quoted = ch_mail_address_quoted(address);
    return g_strdup_printf("<%s>", quoted);
}

static CURLcode transfer(const ChMailer *mailer, const ChMail *mail, Upload *upload, char *fault)
{
    CURL *easy = mailer->easy;
    g_autofree char *from = bracketed(mail->from);
    g_autofree char *to = bracketed(mail->to);
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    set_server(mailer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fault);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->text->len);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_upload);
    curl_easy_setopt(easy, CURLOPT_READDATA, upload);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(recipients);
    return code;
}

/* A 5xx to this mail (its sender, recipient or text) is for ever; one to the connection, the
 * greeting or the login is the operator's business and may pass. */
static bool is_refused(const ChMailer *mailer, CURLcode code, const Upload *upload)
{
    long answer = 0;
    curl_easy_getinfo(mailer->easy, CURLINFO_RESPONSE_CODE, &answer);
    if (answer < 500 || answer > 599)
        return false;
    bool to_command = code == CURLE_SEND_ERROR;
    bool to_text = upload->sent == upload->text->len;
    return to_command || to_text;
}

static ChMailOutcome send_text(ChMailer *mailer, const ChMail *mail, const GString *text,
                               char **reason)
{
    Upload upload = { .text = text };
    char fault[CURL_ERROR_SIZE] = "";
    CURLcode code = transfer(mailer, mail, &upload, fault);
    if (code == CURLE_OK)
        return CH_MAIL_SENT;
    long answer = 0;
    curl_easy_getinfo(mailer->easy, CURLINFO_RESPONSE_CODE, &answer);
    *reason = g_strdup_printf("%s (SMTP answer %ld)",
                              fault[0] != '\0' ? fault : curl_easy_strerror(code), answer);
    return is_refused(mailer, code, &upload) ? CH_MAIL_REFUSED : CH_MAIL_LATER;
}

ChMailOutcome ch_mail_send(ChMailer *mailer, const ChMail *mail, char **reason)
{
    static const char *const names[] = {
        [CH_MAIL_SENT] = "sent", [CH_MAIL_LATER] = "later", [CH_MAIL_REFUSED] = "refused"
    };
    g_autoptr(GError) error = NULL;
    *reason = NULL;
    ChMailOutcome outcome = CH_MAIL_REFUSED;
    GString *text = ch_mail_render(mail, &error);
    if (text != NULL)
        outcome = send_text(mailer, mail, text, reason);
    else
        *reason = g_strdup(error->message);
    if (text != NULL)
        g_string_free(text, TRUE);
    ch_metric_add(ch_metric(&mails_total, names[outcome]), 1);
    return outcome;
}

static bool is_set(const char *text)
{
    return text != NULL && *text != '\0';
}

ChMailer *ch_mailer_new(const ChMailerConfig *config, GError **error)
{
    if (!g_str_has_prefix(config->url, "smtp://") && !g_str_has_prefix(config->url, "smtps://")) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                    "the mail server must be given as smtp://host:port or smtps://host:port");
        return NULL;
    }
    ch_curl_init();
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "libcurl gives no handle");
        return NULL;
    }
    ChMailer *mailer = g_new0(ChMailer, 1);
    mailer->url = g_strdup(config->url);
    mailer->easy = easy;
    mailer->timeout_ms = config->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : config->timeout_ms;
    if (is_set(config->username)) {
        mailer->username = g_strdup(config->username);
        mailer->password = g_strdup(is_set(config->password) ? config->password : "");
    }
    return mailer;
}

void ch_mailer_free(ChMailer *mailer)
{
    if (mailer == NULL)
        return;
    curl_easy_cleanup(mailer->easy);
    if (mailer->password != NULL)
        explicit_bzero(mailer->password, strlen(mailer->password));
    g_free(mailer->password);
    g_free(mailer->username);
    explicit_bzero(mailer->url, strlen(mailer->url));
    g_free(mailer->url);
    g_free(mailer);
}
