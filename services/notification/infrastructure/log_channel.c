/* The channel of the embedded run. */
#include "notification/infrastructure/log_channel.h"

static void deliver(NotificationChannel *self G_GNUC_UNUSED,
                    const NotificationMessage *messages G_GNUC_UNUSED, size_t n,
                    NotificationReceipt *receipts)
{
    for (size_t i = 0; i < n; i++)
        receipts[i] = (NotificationReceipt){ NOTIFICATION_DELIVERED, NULL, 0 };
}

static void free_channel(NotificationChannel *self)
{
    g_free(self);
}

static const NotificationChannelOps log_channel_ops = {
    .send = deliver,
    .free = free_channel,
};

NotificationChannel *notification_log_channel_new(void)
{
    NotificationChannel *channel = g_new0(NotificationChannel, 1);
    channel->ops = &log_channel_ops;
    return channel;
}
