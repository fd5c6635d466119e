/* How much there is of a consumer's queue, for whoever decides how many consumers there are to be.
 *
 * The broker is asked seldom, on the consumer's own connection; what the consumer holds it counts
 * itself. Not to be included outside chassis/rabbitmq. Thread: the consumer's. */
#pragma once

#include "chassis/rabbitmq/connection.h"
#include "chassis/telemetry/metrics.h"

typedef struct {
    const char *queue;        /* borrowed; NULL: nobody asks, and all below is empty */
    ChMetric *ready;          /* wait in the queue */
    ChMetric *retrying;       /* wait in its retry queues */
    ChMetric *unacknowledged; /* are in the consumer's hands */
    int64_t held;             /* so many are */
    int64_t look_us;          /* when to ask again, ch_time_monotonic_us() */
} ChDepth;

/** @queue: NULL where nothing is to be told. */
void ch_depth_init(ChDepth *depth, const char *queue);

/** Shows depth->held, after it was changed. */
void ch_depth_show_held(const ChDepth *depth);

/** Asks for the lengths of the queues when it is time to. They have to be there: else the broker
 * closes the channel. *reply: that of the last question, where one was asked. Errors as
 * ch_amqp_check(). */
CH_MUST_CHECK bool ch_depth_look(ChDepth *depth, amqp_connection_state_t connection,
                                 amqp_rpc_reply_t *reply, GError **error);

/** How many messages of @queue are ready. *reply and errors the same. */
CH_MUST_CHECK bool ch_depth_count(amqp_connection_state_t connection, const char *queue,
                                  int64_t *ready, amqp_rpc_reply_t *reply, GError **error);
