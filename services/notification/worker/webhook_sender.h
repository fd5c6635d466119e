/* A sender of webhooks: the source and the handler of a lane. It claims as claims.h says, posts,
 * and records; what was sent stays known, so that recording may be tried again for as long as the
 * database is away without sending twice.
 *
 * One lane sends to receivers that are well, another one to those whose last attempt failed or
 * whose last answer was late: so a receiver that hangs or dawdles delays others by one time-out,
 * once, and from then on only its like. */
#pragma once

#include "chassis/core/lane.h"
#include "notification/application/webhooks.h"

#include <stdatomic.h>

typedef struct NotificationWebhookSender NotificationWebhookSender;

/** All borrowed; the parts belong to the lane. */
typedef struct {
    ChWork *work; /* the lane's */
    NotificationWebhookStore *store;
    NotificationPost *post;
    bool apart;       /* whose: of receivers that fail or are slow, or of the others */
    int64_t lease_ms; /* longer than a batch needs to be posted and recorded */
    int64_t disable_after_ms;
    atomic_bool *stopping; /* set when the lane is asked to stop: the post looks at it */
} NotificationWebhookSenderConfig;

NotificationWebhookSender *
notification_webhook_sender_new(const NotificationWebhookSenderConfig *config);

/** A GDestroyNotify; after the lane has ended. NULL is fine. */
void notification_webhook_sender_free(void *sender);

/** The lane's source; belongs to the sender. */
ChSource *notification_webhook_sender_source(NotificationWebhookSender *sender);

/** The lane's ChHandler; @sender is its context. */
bool notification_webhook_sender_run(void *sender, void *const *items, size_t n, GError **error);
