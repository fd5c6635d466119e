/* From a message in a dead letter queue to its row. All work in the open transaction of @pg. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/delivery.h"

#include <stddef.h>

/** Where the messages come from. Texts are borrowed. */
typedef struct {
    const char *queue;   /* whose consumer gave them up */
    const char *subject; /* the member of an event's Data that says what it is about; NULL: none */
    bool keeps_rejected; /* see ch_consumer_keeps_rejected() */
} ChDeadLetterOrigin;

/** Inserts a row for each of deliveries[0..n), with CH_EVENT_MAX_BYTES of its body at most, the
 * size and the hash of all of it, and waits for that. A letter that has its row already gets no
 * other: one of ours that comes again has its id and its body. An id with another body is a
 * stranger's, and the letter gets a new one. Errors: as ch_pg_query(). */
CH_MUST_CHECK bool ch_dead_letter_insert(ChPg *pg, const ChDeadLetterOrigin *origin,
                                         ChDelivery *const *deliveries, size_t n, GError **error);

/** The same for one that could not be inserted because of @why: without its body and its texts. */
CH_MUST_CHECK bool ch_dead_letter_insert_bare(ChPg *pg, const ChDeadLetterOrigin *origin,
                                              const ChDelivery *delivery, const char *why,
                                              GError **error);
