/* What a consumer is asked to be. */
#pragma once

#include "chassis/rabbitmq/broker.h"
#include "chassis/rabbitmq/queue.h"
#include "chassis/telemetry/health.h"

#include <stdbool.h>

/** A connection of its own that heals. Every function belongs to the thread of one lane, but for
 * ch_consumer_wake(). */
typedef struct ChConsumer ChConsumer;

typedef struct {
    const ChAmqpConfig *broker; /* borrowed */
    const char *name;           /* of the connection; borrowed */
    const char *app_id;         /* of what it gives up: the service; borrowed */
    const char *queue_name;     /* what is consumed; borrowed */
    const ChQueue *queue;       /* declared after each connect; borrowed */
    bool
        dead_letters; /* consumes the dead letter queue of @queue, and declares no more than that */
    ChQueueKind kind;
    int prefetch;         /* the full window, 1 to 65,535 */
    ChHealthPart *health; /* NULL: nobody asks */
} ChConsumerConfig;
