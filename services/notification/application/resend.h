/* Sending a notification again because support asks for it: the same row of the log, with another
 * attempt. Errors: UNAVAILABLE or FAILED, as the port's. Thread: the lane that owns the port. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/uuid.h"
#include "notification/application/notifications.h"

#include <stdbool.h>
#include <stdint.h>

/** What there is, as far as it decides. */
typedef struct {
    NotificationStatus status;
    int64_t attempts;
    bool is_emptied; /* its texts are erased: nothing is left to be told */
    bool is_resent;  /* it was asked for before */
} NotificationSendable;

typedef struct NotificationResendStore NotificationResendStore;

typedef struct {
    /* Locks the notification until the transaction's end, so that no sender has its say meanwhile.
     * *found: whether there is one. */
    bool (*lock)(NotificationResendStore *self, ChUuid id, NotificationSendable *sendable,
                 bool *found, GError **error);
    /* Makes it due now, with all its attempts before it, under @message_id. */
    bool (*send_again)(NotificationResendStore *self, ChUuid id, ChUuid message_id, GError **error);
    void (*free)(NotificationResendStore *self);
} NotificationResendStoreOps;

struct NotificationResendStore {
    const NotificationResendStoreOps *ops;
};

/** NULL is fine. */
static inline void notification_resend_store_free(NotificationResendStore *store)
{
    if (store != NULL)
        store->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationResendStore, notification_resend_store_free)

typedef enum {
    NOTIFICATION_RESEND_DONE,
    NOTIFICATION_RESEND_ALREADY, /* it was asked for, and is on its way */
    NOTIFICATION_RESEND_UNKNOWN, /* there is none of that id */
    NOTIFICATION_RESEND_UNSENT,  /* its first sending is not over */
    NOTIFICATION_RESEND_ERASED,  /* its texts are gone */
} NotificationResendResult;

typedef struct {
    NotificationResendResult result;
    NotificationSendable was; /* unless UNKNOWN */
} NotificationResendOutcome;

/** Has the notification @id sent again, as one that is due: with what templates and its customer's
 * address are by then, and under an id of its own, since a receiver takes the repeat of one it has
 * for no news. */
CH_MUST_CHECK bool notification_resend(NotificationResendStore *store, ChUuid id,
                                       NotificationResendOutcome *outcome, GError **error);
