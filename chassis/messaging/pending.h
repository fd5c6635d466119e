/* Messages about one subject (an order) that are not where they should be: they wait in the outbox,
 * are parked there, or were given up as dead letters. Bounded looks, in the lane of lists. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** From what ends by itself to what needs somebody. */
typedef enum {
    CH_PENDING_NOTHING,
    CH_PENDING_OUTBOX,      /* committed, not published yet */
    CH_PENDING_PARKED,      /* could not be published in many tries */
    CH_PENDING_DEAD_LETTER, /* given up; waits for an operator */
    CH_PENDING_PLACES_N,
} ChPendingPlace;

/** "Outbox", "Parked", "DeadLetter". */
const char *ch_pending_place_name(ChPendingPlace place);

/** Texts are owned, NULL where the message has none. */
typedef struct {
    ChPendingPlace place;
    ChUuid id; /* of its row: a dead letter is found by it */
    char *type, *message_id;
    char *queue;  /* whose consumer failed on it; NULL: nobody's */
    char *reason; /* why it is here; NULL: it is on its way */
    char *trace_id;
    int64_t attempts;
    int64_t since_us;
} ChPending;

/** Where to look. */
typedef struct {
    ChUuid subject;
    const int64_t *times_us; /* n_times, borrowed: when something may have been announced */
    size_t n_times;
} ChPendingAsked;

enum {
    CH_PENDING_LOOKED_AT = 20000, /* rows of the outbox from each time on */
    CH_PENDING_MAX = 100,         /* of each place */
};

/** found[i]: a new array of ChPending *, owning them, oldest first, about asked[i].subject. Letters
 * that somebody acted upon are not among them. Works in the open transaction of @pg; errors as
 * ch_pg_query(). */
CH_MUST_CHECK bool ch_pending_find(ChPg *pg, const ChPendingAsked *asked, size_t n,
                                   GPtrArray **found, GError **error);

/** The worst place that @pending (of ChPending *) has: CH_PENDING_NOTHING when it is empty. */
ChPendingPlace ch_pending_worst(const GPtrArray *pending);

/** The one of @type in the outbox, or parked there; NULL: it is published, as far as is known. */
const ChPending *ch_pending_unpublished(const GPtrArray *pending, const char *type);

/** Adds the member "pending". */
void ch_pending_write(GString *json, const GPtrArray *pending);
