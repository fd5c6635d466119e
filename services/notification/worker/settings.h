/* The settings of notification-worker. */
#pragma once

#include "chassis/runtime/worker.h"

typedef enum {
    NOTIFICATION_BY_LOG,
    NOTIFICATION_BY_HTTP,
    NOTIFICATION_BY_SMTP,
} NotificationTransport;

typedef struct {
    ChWorkerSettings worker;
    int64_t senders;
    char *customer_service_url; /* "": none */
    char *customer_ca_file;     /* "": the CAs of the system */
    char *customer_token_url;   /* "": that service wants no token */
    char *customer_client_id, *customer_client_secret, *customer_scope;
    int64_t customer_wait_ms;
    int made_up_addresses;              /* 1: mail goes to them */
    int email_transport, sms_transport; /* NotificationTransport */
    char *email_http_url, *sms_http_url;
    char *smtp_url, *smtp_username, *smtp_password;
    char *email_from;
    char *sms_smtp_domain;
    int webhook_addresses; /* 1: any */
    char *webhook_ca_file; /* "": the CAs of the system */
    int64_t webhook_disable_after_ms, webhook_retention_ms;
    int64_t text_retention_ms; /* longer than customer_wait_ms */
} NotificationSettings;

enum {
    NOTIFICATION_SETTINGS_N = 52
};

extern const ChConfigKey notification_settings[NOTIFICATION_SETTINGS_N];

/** Whether e-mail may go to made-up addresses: where it does not leave the process it may. */
bool notification_settings_may_make_up(const NotificationSettings *settings);

/** A ChProcessStep: checks what the settings say together. Errors: CONFIG, naming the variable. */
bool notification_settings_check(const void *settings, GError **error);
