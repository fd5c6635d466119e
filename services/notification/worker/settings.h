/* The settings of notification-worker. */
#pragma once

#include "chassis/core/config.h"

typedef enum {
    NOTIFICATION_BY_LOG,
    NOTIFICATION_BY_HTTP,
    NOTIFICATION_BY_SMTP,
} NotificationMeans;

typedef struct {
    ChConfigCommon common;
    char *amqp_url;
    ChListen admin;
    int queue_type; /* ChQueueType */
    int64_t inbox_retention_ms;
    int64_t senders;
    char *customer_service_url; /* "": none */
    int email_means, sms_means; /* NotificationMeans */
    char *email_http_url, *sms_http_url;
    char *smtp_url, *smtp_username, *smtp_password;
    char *email_from;
    char *sms_smtp_domain;
} NotificationSettings;

/** As ch_process_init(), and checks what the settings say together. Free with
 * notification_settings_clear(). */
int notification_settings_init(NotificationSettings *settings, int argc, char **argv);

void notification_settings_clear(NotificationSettings *settings);
