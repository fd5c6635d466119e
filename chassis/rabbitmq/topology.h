/* Exchanges, queues, bindings, dead letter queues and retry queues of one service. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/rabbitmq/connection.h"

#include <stddef.h>

typedef enum {
    CH_QUEUE_QUORUM,
    CH_QUEUE_CLASSIC
} ChQueueType;

/** The choices of QUEUE_TYPE, in the order of ChQueueType. */
#define CH_QUEUE_TYPES "quorum|classic"

enum {
    CH_RETRIES = 2, /* retry queues of each queue: attempts but the first */
    CH_QUEUE_NAME_BYTES = 128,
};

/** The delay of each retry queue in milliseconds. */
extern const int ch_retry_delays_ms[CH_RETRIES];

/** A queue that this service consumes. */
typedef struct {
    const char *name;
    const char *exchange; /* it is bound to; declared too, since bindings need it */
    const char *routing_key;
    const char *dead_letter_exchange; /* its dead letter queue is <name>.dlq, key <name> */
} ChQueue;

typedef struct {
    const char *exchange; /* the topic exchange that this service publishes to; NULL: none */
    const ChQueue *queues;
    size_t n_queues;
} ChTopology;

/** Declares all of it; what is there already with the same arguments is left alone.
 * Waits up to @wait_ms for the broker to answer. Errors: UNAVAILABLE, CONFIG (a bad URL),
 * FAILED (the broker refuses, for instance because a queue exists with other arguments). */
CH_MUST_CHECK bool ch_topology_declare(const ChAmqpConfig *broker, const ChTopology *topology,
                                       ChQueueType type, int wait_ms, GError **error);

/** Writes the name of the retry queue for failed attempt @attempt (1 to CH_RETRIES). */
void ch_topology_retry_queue(const char *queue, int attempt, char name[CH_QUEUE_NAME_BYTES]);

/** Writes the name of the dead letter queue. */
void ch_topology_dead_letter_queue(const char *queue, char name[CH_QUEUE_NAME_BYTES]);
