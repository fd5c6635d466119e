/* What the notification service needs from outside, by who needs it: filled by infrastructure,
 * faked by tests. A port belongs to one lane. All slots are mandatory. Those on the database work
 * in that lane's open transaction; errors of their slots: UNAVAILABLE or FAILED, see
 * chassis/core/error.h. */
#pragma once

#include "notification/application/customer.h"
#include "notification/application/delivery.h"
#include "notification/application/notifications.h"

#include <glib.h>

/* ---- templates, to be looked at ---- */

typedef struct NotificationTemplateReads NotificationTemplateReads;

typedef struct {
    /* *templates: new array of NotificationTemplate *, owning them: those that are active. */
    bool (*list_active)(NotificationTemplateReads *self, GPtrArray **templates, GError **error);
    /* found[i]: new array of NotificationTemplate *, owning them, newest first: pages[i]. */
    bool (*list)(NotificationTemplateReads *self, const ChPage *pages, size_t n, GPtrArray **found,
                 GError **error);
    /* The same of versions, also of templates that were deleted since. */
    bool (*versions)(NotificationTemplateReads *self, const NotificationVersionRange *ranges,
                     size_t n, GPtrArray **pages, GError **error);
    /* templates[i] is the one with ids[i], new, or NULL. */
    bool (*find)(NotificationTemplateReads *self, const ChUuid *ids, size_t n,
                 NotificationTemplate **templates, GError **error);
    void (*free)(NotificationTemplateReads *self);
} NotificationTemplateReadsOps;

struct NotificationTemplateReads {
    const NotificationTemplateReadsOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void notification_template_reads_free(void *reads)
{
    if (reads != NULL)
        ((NotificationTemplateReads *)reads)->ops->free(reads);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationTemplateReads, notification_template_reads_free)

/* ---- templates, to be changed ---- */

typedef enum {
    NOTIFICATION_TEMPLATE_DONE,
    NOTIFICATION_TEMPLATE_UNKNOWN, /* there is none of that id */
    NOTIFICATION_TEMPLATE_TAKEN,   /* another one has its code, channel and language */
    NOTIFICATION_TEMPLATE_STALE,   /* it is of another version than was expected */
    NOTIFICATION_TEMPLATE_LAST,    /* its code would be without an active template */
    NOTIFICATION_TEMPLATE_FULL,    /* there would be too many, or too much text */
} NotificationTemplateOutcome;

typedef struct NotificationTemplateStore NotificationTemplateStore;

typedef struct {
    /* One after the other: DONE, TAKEN or FULL. Each version is kept. */
    bool (*insert)(NotificationTemplateStore *self, const NotificationTemplate *const *templates,
                   size_t n, NotificationTemplateOutcome *outcomes, GError **error);
    /* One after the other; raises the version and writes it into each template that is DONE, and
     * into its change the one before. What was deleted keeps its versions. */
    bool (*change)(NotificationTemplateStore *self, NotificationTemplateChange *changes, size_t n,
                   NotificationTemplateOutcome *outcomes, GError **error);
    void (*free)(NotificationTemplateStore *self);
} NotificationTemplateStoreOps;

struct NotificationTemplateStore {
    const NotificationTemplateStoreOps *ops;
};

/** NULL is fine. */
static inline void notification_template_store_free(NotificationTemplateStore *store)
{
    if (store != NULL)
        store->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationTemplateStore, notification_template_store_free)

/* ---- notifications ---- */

typedef struct NotificationStore NotificationStore;

typedef struct {
    /* Stores one pending notification for each event, unless there is one already. */
    bool (*insert)(NotificationStore *self, const NotificationEvent *const *events, size_t n,
                   GError **error);
    /* noted[i]: there is a notification for the event event_ids[i]. */
    bool (*noted)(NotificationStore *self, const ChUuid *event_ids, size_t n, bool *noted,
                  GError **error);
    /* Notes that no notification will name these events, which the inbox knows. */
    bool (*set_apart)(NotificationStore *self, const ChUuid *told_as, size_t n, GError **error);
    /* Takes at most @max due ones for @lease_ms, in which nobody else takes them; one that was not
     * recorded by then is due again. deliveries[0..*n) are new, their .templates NULL. */
    bool (*claim)(NotificationStore *self, size_t max, int64_t lease_ms,
                  NotificationDelivery **deliveries, size_t *n, GError **error);
    /* Records the verdicts. One that somebody else took meanwhile is left alone, unless it was
     * delivered and they don't know of it. */
    bool (*record)(NotificationStore *self, const NotificationDelivery *const *deliveries, size_t n,
                   GError **error);
    /* Looks at no more than @max notifications from before @before_us that it has not seen yet, and
     * empties them of addresses, texts and reasons; one that is not sent fails. *n tells how many.
     */
    bool (*empty_old)(NotificationStore *self, int64_t before_us, int64_t max, size_t *n,
                      GError **error);
    void (*free)(NotificationStore *self);
} NotificationStoreOps;

struct NotificationStore {
    const NotificationStoreOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void notification_store_free(void *store)
{
    if (store != NULL)
        ((NotificationStore *)store)->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationStore, notification_store_free)

/* ---- what clients look at of notifications ---- */

typedef struct NotificationLog NotificationLog;

typedef struct {
    /* pages[i] is what filters[i] asks for: a new array of NotificationEntry *, owning them. */
    bool (*list)(NotificationLog *self, const NotificationFilter *filters, size_t n,
                 GPtrArray **pages, GError **error);
    void (*free)(NotificationLog *self);
} NotificationLogOps;

struct NotificationLog {
    const NotificationLogOps *ops;
};

/** NULL is fine. */
static inline void notification_log_free(NotificationLog *log)
{
    if (log != NULL)
        log->ops->free(log);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationLog, notification_log_free)

/* ---- the world ---- */

typedef struct NotificationCustomers NotificationCustomers;

typedef struct {
    /* Fills customers[i], zeroed by the caller, with what is known of ids[i], which are distinct.
     * traces[i] is the span that asks. Takes a few seconds at most and never fails as a whole:
     * .answer tells. */
    void (*look_up)(NotificationCustomers *self, const ChUuid *ids, const ChTrace *traces, size_t n,
                    NotificationCustomer *customers);
    void (*free)(NotificationCustomers *self);
} NotificationCustomersOps;

struct NotificationCustomers {
    const NotificationCustomersOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void notification_customers_free(void *customers)
{
    if (customers != NULL)
        ((NotificationCustomers *)customers)->ops->free(customers);
}

/** To be sent; all borrowed. */
typedef struct {
    ChUuid id; /* the same at every attempt: a receiver can tell a repeat */
    const char *to;
    const char *subject; /* one line; "" for an SMS */
    const char *body;
    ChTrace trace;
} NotificationMessage;

typedef struct {
    NotificationVerdict verdict; /* not UNDECIDED */
    char *why;                   /* new, unless delivered; NULL: nothing to say */
    int64_t retry_after_ms;      /* not before that; 0: nothing was asked for */
} NotificationReceipt;

typedef struct NotificationChannel NotificationChannel;

typedef struct {
    /* Sends them; receipts[i] tells of messages[i]. Bounded in time: what it does not get to is
     * GIVEN_BACK. Never fails as a whole. */
    void (*send)(NotificationChannel *self, const NotificationMessage *messages, size_t n,
                 NotificationReceipt *receipts);
    void (*free)(NotificationChannel *self);
} NotificationChannelOps;

struct NotificationChannel {
    const NotificationChannelOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void notification_channel_free(void *channel)
{
    if (channel != NULL)
        ((NotificationChannel *)channel)->ops->free(channel);
}
