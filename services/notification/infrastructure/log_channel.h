/* A channel into the log alone. */
#pragma once

#include "notification/application/ports.h"

/** Sends nothing: that the notification is in the log is all. */
NotificationChannel *notification_log_channel_new(void);
