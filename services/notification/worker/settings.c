/* The table of settings, and what must fit together in it. */
#include "notification/worker/settings.h"

#include "chassis/client/mail_address.h"
#include "chassis/client/mail_render.h"

#include <string.h>
#include <unistd.h>

#define TRANSPORTS "log|http|smtp" /* in the order of NotificationTransport */
#define HTTP_URLS "http://|https://"

enum {
    MAX_SENDERS = 64
};

#define FIELD(name) offsetof(NotificationSettings, name)

const ChConfigKey notification_settings[NOTIFICATION_SETTINGS_N] = {
    CH_WORKER_KEYS("127.0.0.1:6013"),
    CH_OUTCOMES_KEYS,
    { "NOTIFICATION_SENDERS", CH_CONFIG_COUNT, FIELD(senders), "2",
      "lanes that send, at most 64; each has a database connection", NULL },
    { "CUSTOMER_SERVICE_URL", CH_CONFIG_URL, FIELD(customer_service_url), "",
      "http(s) base URL of the customer service; required for mail that leaves the process",
      HTTP_URLS },
    { "CUSTOMER_SERVICE_CA_FILE", CH_CONFIG_TEXT, FIELD(customer_ca_file), "",
      "PEM file of the CA that vouches for the customer service and its token endpoint; empty: the "
      "CAs of the system",
      NULL },
    { "CUSTOMER_SERVICE_TOKEN_URL", CH_CONFIG_URL, FIELD(customer_token_url), "",
      "https URL of the token endpoint, where the customer service wants a token (OAuth 2.0 client "
      "credentials)",
      "https://" },
    { "CUSTOMER_SERVICE_CLIENT_ID", CH_CONFIG_TEXT, FIELD(customer_client_id), "",
      "as what the worker asks that endpoint", NULL },
    { "CUSTOMER_SERVICE_CLIENT_SECRET", CH_CONFIG_SECRET, FIELD(customer_client_secret), "",
      "the secret that goes with it", NULL },
    { "CUSTOMER_SERVICE_SCOPE", CH_CONFIG_TEXT, FIELD(customer_scope), "",
      "the scope to ask for; empty: what the endpoint gives", NULL },
    { "CUSTOMER_WAIT", CH_CONFIG_DURATION, FIELD(customer_wait_ms), "24h",
      "how long a notification waits for its address while that service is unavailable", NULL },
    { "MADE_UP_ADDRESSES", CH_CONFIG_CHOICE, FIELD(made_up_addresses), "keep",
      "send: mail goes to customer<8 hex digits>@example.com where there is no address",
      "keep|send" },
    { "EMAIL_CHANNEL", CH_CONFIG_CHOICE, FIELD(email_transport), "log", "how e-mail is sent",
      TRANSPORTS },
    { "SMS_CHANNEL", CH_CONFIG_CHOICE, FIELD(sms_transport), "log", "how SMS are sent",
      TRANSPORTS },
    { "EMAIL_HTTP_URL", CH_CONFIG_URL, FIELD(email_http_url), "",
      "http(s) URL that EMAIL_CHANNEL=http posts to", HTTP_URLS },
    { "SMS_HTTP_URL", CH_CONFIG_URL, FIELD(sms_http_url), "",
      "http(s) URL that SMS_CHANNEL=http posts to", HTTP_URLS },
    { "SMTP_URL", CH_CONFIG_URL, FIELD(smtp_url), "",
      "mail server, smtp://host:port or smtps://host:port", "smtp://|smtps://" },
    { "SMTP_USERNAME", CH_CONFIG_TEXT, FIELD(smtp_username), "",
      "login there; the connection must then be encrypted", NULL },
    { "SMTP_PASSWORD", CH_CONFIG_SECRET, FIELD(smtp_password), "", "its password", NULL },
    { "EMAIL_FROM", CH_CONFIG_TEXT, FIELD(email_from), "orders@example.com",
      "sender of the mails, address or name <address>", NULL },
    { "SMS_SMTP_DOMAIN", CH_CONFIG_TEXT, FIELD(sms_smtp_domain), "",
      "domain of the gateway that takes SMS as mail to <digits>@domain", NULL },
    { "WEBHOOK_ADDRESSES", CH_CONFIG_CHOICE, FIELD(webhook_addresses), "public",
      "where webhooks may go; any: also to private and local addresses", "public|any" },
    { "WEBHOOK_CA_FILE", CH_CONFIG_TEXT, FIELD(webhook_ca_file), "",
      "PEM file of the CA that vouches for receivers of webhooks; empty: the CAs of the system",
      NULL },
    { "WEBHOOK_DISABLE_AFTER", CH_CONFIG_DURATION, FIELD(webhook_disable_after_ms), "3d",
      "how long every webhook of a subscription may fail before it is disabled", NULL },
    { "WEBHOOK_RETENTION", CH_CONFIG_DURATION, FIELD(webhook_retention_ms), "30d",
      "how long webhooks are kept in the log, and wait at most", NULL },
    { "NOTIFICATION_TEXT_RETENTION", CH_CONFIG_DURATION, FIELD(text_retention_ms), "90d",
      "how long the log keeps addresses, texts and reasons; longer than CUSTOMER_WAIT", NULL },
};

static bool bad(GError **error, const char *name, const char *expected)
{
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s: expected %s", name, expected);
    return false;
}

static bool is_mail_domain(const char *domain)
{
    g_autofree char *address = g_strconcat("1@", domain, NULL);
    return ch_mail_address_valid(address);
}

static bool is_sender(const char *text)
{
    g_autofree char *name = NULL;
    g_autofree char *address = NULL;
    return ch_mail_sender_parse(text, &name, &address) &&
           (name == NULL || strlen(name) <= CH_MAIL_MAX_NAME_BYTES);
}

bool notification_settings_may_make_up(const NotificationSettings *settings)
{
    return settings->email_transport == NOTIFICATION_BY_LOG || settings->made_up_addresses == 1;
}

static bool check_customer_token(const NotificationSettings *settings, GError **error)
{
    bool url = *settings->customer_token_url != '\0';
    bool id = *settings->customer_client_id != '\0';
    bool secret = *settings->customer_client_secret != '\0';
    if (url && *settings->customer_service_url == '\0')
        return bad(error, "CUSTOMER_SERVICE_URL", "the URL of the service that wants the token");
    if (url != id)
        return bad(error, id ? "CUSTOMER_SERVICE_TOKEN_URL" : "CUSTOMER_SERVICE_CLIENT_ID",
                   "a value: it goes with the other settings of the token");
    if (url != secret)
        return bad(error, secret ? "CUSTOMER_SERVICE_TOKEN_URL" : "CUSTOMER_SERVICE_CLIENT_SECRET",
                   "a value: it goes with the other settings of the token");
    return true;
}

static bool is_unreadable(const char *file)
{
    return *file != '\0' && access(file, R_OK) != 0;
}

bool notification_settings_check(const void *opaque, GError **error)
{
    const NotificationSettings *settings = opaque;
    bool by_smtp = settings->email_transport == NOTIFICATION_BY_SMTP ||
                   settings->sms_transport == NOTIFICATION_BY_SMTP;
    if (!ch_worker_check(&settings->worker, error))
        return false;
    if (settings->text_retention_ms <= settings->customer_wait_ms)
        return bad(error, "NOTIFICATION_TEXT_RETENTION", "more than CUSTOMER_WAIT");
    if (settings->senders > MAX_SENDERS)
        return bad(error, "NOTIFICATION_SENDERS", "at most 64");
    if (*settings->customer_service_url == '\0' && !notification_settings_may_make_up(settings))
        return bad(error, "CUSTOMER_SERVICE_URL",
                   "a URL, because EMAIL_CHANNEL is not log and nobody else knows an address");
    if (settings->email_transport == NOTIFICATION_BY_HTTP && *settings->email_http_url == '\0')
        return bad(error, "EMAIL_HTTP_URL", "an http:// or https:// URL for EMAIL_CHANNEL=http");
    if (settings->sms_transport == NOTIFICATION_BY_HTTP && *settings->sms_http_url == '\0')
        return bad(error, "SMS_HTTP_URL", "an http:// or https:// URL for SMS_CHANNEL=http");
    if (by_smtp && *settings->smtp_url == '\0')
        return bad(error, "SMTP_URL", "smtp://host:port or smtps://host:port for a channel smtp");
    if (!check_customer_token(settings, error))
        return false;
    if (is_unreadable(settings->customer_ca_file))
        return bad(error, "CUSTOMER_SERVICE_CA_FILE", "a PEM file that can be read");
    if (is_unreadable(settings->webhook_ca_file))
        return bad(error, "WEBHOOK_CA_FILE", "a PEM file that can be read");
    if (!is_sender(settings->email_from))
        return bad(error, "EMAIL_FROM", "an e-mail address, or a name and it: Shop <a@b.example>");
    if (settings->sms_transport == NOTIFICATION_BY_SMTP &&
        !is_mail_domain(settings->sms_smtp_domain))
        return bad(error, "SMS_SMTP_DOMAIN", "a domain for SMS_CHANNEL=smtp");
    return true;
}
