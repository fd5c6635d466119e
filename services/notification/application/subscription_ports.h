/* What subscriptions need from outside, by who needs it: ports as in ports.h. */
#pragma once

#include "notification/application/subscriptions.h"

/* ---- to be looked at ---- */

typedef struct NotificationSubscriptionReads NotificationSubscriptionReads;

typedef struct {
    /* subscriptions[i] is the one with ids[i], new, or NULL. None has its secret. */
    bool (*find)(NotificationSubscriptionReads *self, const ChUuid *ids, size_t n,
                 NotificationSubscription **subscriptions, GError **error);
    /* found[i]: new array of NotificationSubscription *, owning them, newest first: pages[i]. */
    bool (*list)(NotificationSubscriptionReads *self, const ChPage *pages, size_t n,
                 GPtrArray **found, GError **error);
    /* pages[i]: new array of NotificationWebhookEntry *, owning them, as ranges[i] asks; NULL when
     * there is no such subscription. */
    bool (*webhooks)(NotificationSubscriptionReads *self, const NotificationWebhookRange *ranges,
                     size_t n, GPtrArray **pages, GError **error);
    void (*free)(NotificationSubscriptionReads *self);
} NotificationSubscriptionReadsOps;

struct NotificationSubscriptionReads {
    const NotificationSubscriptionReadsOps *ops;
};

/** NULL is fine. */
static inline void notification_subscription_reads_free(NotificationSubscriptionReads *reads)
{
    if (reads != NULL)
        reads->ops->free(reads);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationSubscriptionReads, notification_subscription_reads_free)

/* ---- to be changed ---- */

typedef struct NotificationSubscriptionStore NotificationSubscriptionStore;

typedef struct {
    /* One after the other; the times are written into each. made[i] is false when there were too
     * many already. */
    bool (*insert)(NotificationSubscriptionStore *self,
                   NotificationSubscription *const *subscriptions, size_t n, bool *made,
                   GError **error);
    /* Replaces them, and forgets how they fared; a secret that is NULL stays. The times are written
     * into each. before[i]: what it was, new, without its secret; NULL when there is none of that
     * id. */
    bool (*update)(NotificationSubscriptionStore *self,
                   NotificationSubscription *const *subscriptions, size_t n,
                   NotificationSubscription **before, GError **error);
    /* The same: before[i] of ids[i]. */
    bool (*remove)(NotificationSubscriptionStore *self, const ChUuid *ids, size_t n,
                   NotificationSubscription **before, GError **error);
    void (*free)(NotificationSubscriptionStore *self);
} NotificationSubscriptionStoreOps;

struct NotificationSubscriptionStore {
    const NotificationSubscriptionStoreOps *ops;
};

/** NULL is fine. */
static inline void notification_subscription_store_free(NotificationSubscriptionStore *store)
{
    if (store != NULL)
        store->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationSubscriptionStore, notification_subscription_store_free)
