/* A mail server; also an SMS gateway that takes mail. One mail after the other. */
#include "notification/infrastructure/smtp_channel.h"

#include "chassis/client/mail.h"
#include "chassis/client/mail_address.h"
#include "chassis/core/cast.h"
#include "chassis/core/span.h"
#include "chassis/core/time.h"

enum {
    MESSAGE_ID_BYTES = CH_UUID_TEXT_BYTES + 10, /* <event id>@cartwheel */
};

typedef struct {
    NotificationChannel base;
    char *from_name; /* NULL: none */
    char *from;
    const char *sms_domain;
    NotificationCancellation cancellation;
    ChMailer *mailer;
} SmtpChannel;

static const NotificationChannelOps smtp_channel_ops;

static SmtpChannel *smtp_of(NotificationChannel *self)
{
    return CH_CAST(SmtpChannel, self, &smtp_channel_ops);
}

/* Free with g_free(). */
static char *address_of(const SmtpChannel *channel, const char *to)
{
    if (*channel->sms_domain == '\0')
        return g_strdup(to);
    return g_strdup_printf("%s@%s", *to == '+' ? to + 1 : to, channel->sms_domain);
}

static NotificationReceipt send_one(SmtpChannel *channel, const NotificationMessage *message)
{
    char id[CH_UUID_TEXT_BYTES];
    char message_id[MESSAGE_ID_BYTES];
    ch_uuid_format(message->id, id);
    g_snprintf(message_id, sizeof message_id, "%s@cartwheel", id);
    g_autofree char *to = address_of(channel, message->to);
    const ChMail mail = {
        .from_name = channel->from_name,
        .from = channel->from,
        .to = to,
        .subject = message->subject,
        .body = message->body,
        .message_id = message_id,
        .unix_us = ch_time_now_us(),
    };
    char *why = NULL;
    ChSpan *span = ch_span_begin(message->trace, CH_SPAN_CLIENT, mail.unix_us, "send", "mail");
    ch_span_text(span, "messaging.message.id", id);
    ChMailOutcome outcome = ch_mail_send(channel->mailer, &mail, &why);
    if (outcome != CH_MAIL_SENT)
        ch_span_fail(span, why);
    ch_span_end(span);
    switch (outcome) {
    case CH_MAIL_SENT:
        return (NotificationReceipt){ NOTIFICATION_DELIVERED, why, 0 };
    case CH_MAIL_LATER:
        return (NotificationReceipt){ NOTIFICATION_TRY_LATER, why, 0 };
    case CH_MAIL_REFUSED:
        return (NotificationReceipt){ NOTIFICATION_REFUSED, why, 0 };
    }
    g_assert_not_reached();
}

static void deliver(NotificationChannel *self, const NotificationMessage *messages, size_t n,
                    NotificationReceipt *receipts)
{
    SmtpChannel *channel = smtp_of(self);
    int64_t end_us = ch_time_monotonic_us() + INT64_C(1000) * NOTIFICATION_SEND_BUDGET_MS;
    for (size_t i = 0; i < n; i++) {
        bool over = ch_time_monotonic_us() >= end_us ||
                    channel->cancellation.cancelled(channel->cancellation.context);
        if (over)
            receipts[i] = (NotificationReceipt){ NOTIFICATION_GIVEN_BACK,
                                                 g_strdup("its turn did not come in time"), 0 };
        else
            receipts[i] = send_one(channel, &messages[i]);
    }
}

static void free_channel(NotificationChannel *self)
{
    SmtpChannel *channel = smtp_of(self);
    ch_mailer_free(channel->mailer);
    g_free(channel->from_name);
    g_free(channel->from);
    g_free(channel);
}

static const NotificationChannelOps smtp_channel_ops = {
    .send = deliver,
    .free = free_channel,
};

NotificationChannel *notification_smtp_channel_new(const NotificationSmtpConfig *config,
                                                   GError **error)
{
    const ChMailerConfig mailer_config = {
        .url = config->url,
        .username = config->username,
        .password = config->password,
        .timeout_ms = NOTIFICATION_SEND_TIMEOUT_MS,
    };
    g_autofree char *from_name = NULL;
    g_autofree char *from = NULL;
    if (!ch_mail_sender_parse(config->from, &from_name, &from)) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "the sender of the mails is no address");
        return NULL;
    }
    g_autoptr(ChMailer) mailer = ch_mailer_new(&mailer_config, error);
    if (mailer == NULL)
        return NULL;
    SmtpChannel *channel = g_new0(SmtpChannel, 1);
    channel->base.ops = &smtp_channel_ops;
    channel->from_name = g_steal_pointer(&from_name);
    channel->from = g_steal_pointer(&from);
    channel->sms_domain = config->sms_domain;
    channel->cancellation = config->cancellation;
    channel->mailer = g_steal_pointer(&mailer);
    return &channel->base;
}
