/* Webhooks on their way to who has subscribed. Arrays of n in, n outcomes out.
 * Errors: UNAVAILABLE or FAILED, as the ports'. Thread: the lane that owns the ports. */
#pragma once

#include "notification/application/delivery.h"

#include <glib.h>

/** A due webhook in the hands of a lane. The verdict stays with it, so that recording it may be
 * repeated without sending again. */
typedef struct {
    ChUuid subscription_id;
    ChUuid id; /* of the notification that is about the same event */
    ChUuid event_id, order_id, customer_id;
    NotificationCode code;
    NotificationValues values;
    int64_t noted_us; /* when its event was noted */
    int64_t attempt;  /* this one, from 1 */
    int64_t failures; /* attempts in a row, of whatever webhook, that its receiver has failed */
    ChTrace trace;
    char *url, *secret;

    NotificationVerdict verdict;
    int64_t retry_after_ms; /* of TRY_LATER and GIVEN_BACK */
    int64_t pause_ms;       /* its receiver failed: nothing is sent there before; 0: it did not */
    int64_t http_status;    /* of the answer; 0: none */
    bool is_unwanted;       /* its receiver wants no more: 410 */
    bool was_slow;          /* its receiver answered late */
    char *error;            /* owned; NULL when delivered */
} NotificationWebhook;

void notification_webhook_free(void *webhook); /* a GDestroyNotify; NULL is fine */

/** What became of one that was posted, or was to be. */
typedef struct {
    bool was_tried;
    bool was_taken;         /* 2xx */
    int64_t http_status;    /* 0: no answer */
    char *why;              /* new, unless taken */
    int64_t retry_after_ms; /* asked for; 0: nothing */
    int64_t took_ms;        /* until it was answered */
} NotificationWebhookReceipt;

/* ---- ports ---- */

typedef struct NotificationWebhookStore NotificationWebhookStore;

typedef struct {
    /* Takes at most @max due ones for @lease_ms, a few of each subscription: of those whose last
     * attempt failed, one each and not before their pause ends, and of those whose last answer was
     * late (@apart), or of the others. webhooks[0..*n) are new. */
    bool (*claim)(NotificationWebhookStore *self, bool apart, size_t max, int64_t lease_ms,
                  NotificationWebhook **webhooks, size_t *n, GError **error);
    /* Records the verdicts, and how the subscriptions fare: one that has failed for longer than
     * @disable_after_ms, or wants no more, is disabled. Records nothing of webhooks that somebody
     * else took meanwhile, but that they were delivered. */
    bool (*record)(NotificationWebhookStore *self, const NotificationWebhook *const *webhooks,
                   size_t n, int64_t disable_after_ms, GError **error);
    /* Deletes at most @max webhooks from before @before_us, or of subscriptions that were deleted;
     * *n tells how many. */
    bool (*prune)(NotificationWebhookStore *self, int64_t before_us, int64_t max, size_t *n,
                  GError **error);
    /* Disables subscriptions for which more than @max webhooks wait; *n tells how many. */
    bool (*disable_overfull)(NotificationWebhookStore *self, int64_t max, size_t *n,
                             GError **error);
    void (*free)(NotificationWebhookStore *self);
} NotificationWebhookStoreOps;

struct NotificationWebhookStore {
    const NotificationWebhookStoreOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void notification_webhook_store_free(void *store)
{
    if (store != NULL)
        ((NotificationWebhookStore *)store)->ops->free(store);
}

typedef struct NotificationPost NotificationPost;

typedef struct {
    /* Posts them, signed; receipts[i] tells of webhooks[i]. Bounded in time. Never fails as a
     * whole. */
    void (*send)(NotificationPost *self, const NotificationWebhook *const *webhooks, size_t n,
                 NotificationWebhookReceipt *receipts);
    void (*free)(NotificationPost *self);
} NotificationPostOps;

struct NotificationPost {
    const NotificationPostOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void notification_post_free(void *post)
{
    if (post != NULL)
        ((NotificationPost *)post)->ops->free(post);
}

/* ---- use cases ---- */

/** Sends and decides each. An attempt counts while its receiver is well: an outage of theirs costs
 * them no webhook. Touches no store. */
void notification_webhooks_send(NotificationPost *post, NotificationWebhook *const *webhooks,
                                size_t n);

/** Tells the log what became of them; call when that is recorded. */
void notification_webhooks_log(NotificationWebhook *const *webhooks, size_t n);
