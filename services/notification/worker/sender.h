/* A sender: the source and the handler of a lane that sends due notifications.
 *
 * It claims as claims.h says, and one statement records all results. What was sent stays known, so
 * that recording may be tried again for as long as the database is away without sending twice. */
#pragma once

#include "chassis/core/lane.h"
#include "notification/application/deliver.h"

#include <stdatomic.h>

typedef struct NotificationSender NotificationSender;

/** All borrowed; the parts belong to the lane. */
typedef struct {
    ChWork *work; /* the lane's */
    NotificationStore *store;
    NotificationTemplateReads *templates;
    NotificationGateways gateways;
    int64_t lease_ms;      /* longer than the gateways need for a batch, and for recording it */
    atomic_bool *stopping; /* set when the lane is asked to stop: the gateways look at it */
} NotificationSenderConfig;

NotificationSender *notification_sender_new(const NotificationSenderConfig *config);

/** A GDestroyNotify; after the lane has ended. NULL is fine. */
void notification_sender_free(void *sender);

/** The lane's source; belongs to the sender. */
ChSource *notification_sender_source(NotificationSender *sender);

/** The lane's ChHandler; @sender is its context. */
bool notification_sender_run(void *sender, void *const *items, size_t n, GError **error);
