/* Taking what is due from the database, by polling: for the sources of lanes that send.
 *
 * A batch is claimed in a short transaction of its own; its sending touches no database, and only
 * then one transaction records all results. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/core/wait.h"

#include <stdatomic.h>

/** Claims at most @max items into items[0..*n), new, in the open unit of work. Errors: as a
 * port's. */
typedef bool (*NotificationClaim)(void *context, size_t max, void **items, size_t *n,
                                  GError **error);

/** Embedded in a source. */
typedef struct {
    ChWork *work; /* the lane's; borrowed, as all below */
    NotificationClaim claim;
    void *context;
    GDestroyNotify free_item;
    atomic_bool *stopping;  /* set when the lane is asked to stop */
    int64_t pause_until_us; /* lane thread only, as is the next: nothing is claimed before */
    int64_t found_us;       /* when something was last found */
    ChWait stop;            /* *stopping was raised */
} NotificationClaims;

void notification_claims_init(NotificationClaims *claims, ChWork *work, NotificationClaim claim,
                              void *context, GDestroyNotify free_item, atomic_bool *stopping);
void notification_claims_clear(NotificationClaims *claims);

/** As ChSourceOps.take. */
CH_MUST_CHECK bool notification_claims_take(NotificationClaims *claims, void **items, size_t max,
                                            int wait_ms, size_t *n, GError **error);

/** Something was given back: claims nothing for a second, so that a backlog is not turned over and
 * over. The lane's thread. */
void notification_claims_pause(NotificationClaims *claims);

/** As ChSourceOps.wake. Any thread. */
void notification_claims_wake(NotificationClaims *claims);

/** Frees them all. */
void notification_claims_free_all(const NotificationClaims *claims, void *const *items, size_t n);
