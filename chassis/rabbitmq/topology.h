/* Exchanges, queues, bindings, dead letter queues and retry queues of one service. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/rabbitmq/broker.h"
#include "chassis/rabbitmq/queue.h"

#include <stddef.h>

typedef struct {
    const char *exchange; /* the topic exchange that this service publishes to; NULL: none */
    const ChQueue *queues;
    size_t n_queues;
} ChTopology;

/** Declares all of it; what is there already is left alone, whatever its arguments.
 * Waits up to @wait_ms for the broker to answer. Errors: UNAVAILABLE, CONFIG (a bad URL),
 * FAILED (the broker refuses, for instance because a queue is exclusive to somebody). */
CH_MUST_CHECK bool ch_topology_declare(const ChAmqpConfig *broker, const ChTopology *topology,
                                       ChQueueKind kind, int wait_ms, GError **error);
