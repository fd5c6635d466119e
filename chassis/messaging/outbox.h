/* The outbox: messages committed together with the change that they tell of. */
#pragma once

#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <stddef.h>
#include <stdint.h>

/** A message to be published after the commit. Texts and body are borrowed. */
typedef struct {
    const char *message_id; /* of an event: its id, 36 characters; NULL: none */
    const char *exchange;   /* "" routes to the queue named by routing_key */
    const char *routing_key;
    const char *type;
    const void *body;
    size_t body_bytes;
    const char *traceparent;
    const char *failed_queue; /* of a retry or dead letter; else NULL */
    const char *error;
    int retry_count;
    bool mandatory; /* it counts as published only when a queue took it */
} ChOutboxMessage;

/** Queues the insert of @n messages in the open transaction of @pg; they are published in this
 * order. @n may be 0. The commit is announced (ch_pg_announce()). Errors: UNAVAILABLE; those of the
 * insert show at the next wait or commit. */
CH_MUST_CHECK bool ch_outbox_add(ChPg *pg, const ChOutboxMessage *messages, size_t n,
                                 GError **error);

/** An event to be announced. */
typedef struct {
    ChUuid id;
    const char *type; /* the routing key too */
    GString *body;    /* a whole envelope (event.h) */
    ChTrace trace;
} ChOutboxEvent;

/** ch_outbox_add() for @n events to @exchange; frees the bodies, also on failure.
 * @mandatory: false for events that nobody has to be interested in. */
CH_MUST_CHECK bool ch_outbox_add_events(ChPg *pg, const char *exchange, bool mandatory,
                                        const ChOutboxEvent *events, size_t n, GError **error);
