/* A due notification on its way through a sender, and what became of it. */
#pragma once

#include "notification/application/notifications.h"

#include <glib.h>

typedef enum {
    NOTIFICATION_UNDECIDED, /* nothing was tried yet */
    NOTIFICATION_DELIVERED,
    NOTIFICATION_REFUSED,    /* for good, or tried too often */
    NOTIFICATION_TRY_LATER,  /* this attempt failed */
    NOTIFICATION_GIVEN_BACK, /* this attempt did not take place */
} NotificationVerdict;

/** A due notification in the hands of a sender. The verdict stays with it, so that recording it
 * may be repeated without sending again. */
typedef struct {
    ChUuid id, order_id, customer_id;
    NotificationCode code;
    NotificationValues values;
    ChUuid message_id;       /* the same at every attempt, but for those before it was resent */
    int64_t attempt;         /* this one, from 1 */
    int64_t attempts_before; /* of these, before it was last asked to be sent again */
    int64_t asked_us;        /* when that was; else when its event was noted */
    ChTrace trace;
    GPtrArray *templates; /* of NotificationTemplate *, the active ones; a reference */

    NotificationVerdict verdict;
    int64_t retry_after_ms; /* of TRY_LATER and GIVEN_BACK */
    NotificationChannelKind channel;
    char *destination, *subject, *body; /* owned; NULL when it did not come to that */
    char *error;                        /* owned; NULL when delivered */
    bool customer_known;                /* it was found out what is known of the customer */
    bool fallback;                      /* the customer's name or address is made up */
} NotificationDelivery;

void notification_delivery_free(void *delivery); /* a GDestroyNotify; NULL is fine */
