/* Subscriptions: who is told of the ends of orders by webhooks, and the rules of that.
 * Standard Webhooks (standardwebhooks.com) names the headers, the secret and the signature. */
#pragma once

#include "chassis/core/violations.h"
#include "notification/application/notifications.h"

#include <glib.h>

enum {
    NOTIFICATION_MAX_SUBSCRIPTIONS = 50,
    NOTIFICATION_MAX_URL_CHARS = 2000,
    NOTIFICATION_MIN_SECRET_BYTES = 24,
    NOTIFICATION_MAX_SECRET_BYTES = 64,
    NOTIFICATION_MAX_SECRET_CHARS = 96, /* "whsec_" and 64 bytes as base64, with room to spare */
};

typedef struct {
    ChUuid id;
    char *url;
    bool events[NOTIFICATION_CODES_N]; /* those that it is told of */
    char *secret;                      /* as clients write it; NULL: not asked for, or to be kept */
    bool is_active;
    char *disabled_reason;    /* why we ended it; NULL: we did not */
    char *last_error;         /* of the last attempt that failed, while it fails; else NULL */
    int64_t failing_since_us; /* every attempt since then failed; 0: it does not fail */
    int64_t created_us, updated_us;
} NotificationSubscription;

void notification_subscription_free(void *subscription); /* a GDestroyNotify; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationSubscription, notification_subscription_free)

/** A webhook, as the log shows it. */
typedef struct {
    ChUuid id; /* of the notification that is about the same event */
    ChUuid event_id, order_id;
    NotificationCode code;
    NotificationStatus status;
    int64_t attempts;
    int64_t http_status; /* of the last answer; 0: none */
    char *error;         /* owned; NULL: the last attempt succeeded, or there was none */
    char *trace_id;      /* owned; NULL: none */
    int64_t created_us, updated_us;
    int64_t due_us;  /* of one that is not final: when it is tried (again) */
    int64_t sent_us; /* 0: not sent */
} NotificationWebhookEntry;

void notification_webhook_entry_free(void *entry); /* a GDestroyNotify; NULL is fine */

/** Which webhooks of a subscription to list. */
typedef struct {
    ChUuid subscription_id;
    ChPage page;
} NotificationWebhookRange;

/** Adds what is wrong with url and secret, where they are there. */
void notification_subscription_check(const NotificationSubscription *subscription,
                                     ChViolations *violations);

/** A new secret. Free with g_free(). */
char *notification_secret_new(void);

/** The bytes of a secret: new, *n of them; NULL when @text is none. */
uint8_t *notification_secret_bytes(const char *text, size_t *n);
