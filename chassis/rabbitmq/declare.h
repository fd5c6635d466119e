/* Declaring on a connection that is open: what topology, publisher and consumer share.
 * Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/queue.h"

/** Declares a durable topic exchange, or takes what has its name. Errors as ch_amqp_check(); the
 * channel is then unusable. */
CH_MUST_CHECK bool ch_declare_exchange(amqp_connection_state_t connection, const char *name,
                                       GError **error);

/** Declares @queue with its binding, its dead letter queue and its retry queues. A queue of the
 * name is taken as it is, whatever its arguments; of the retry queues, which are ours alone, only
 * the type may differ. *keeps_rejected: the broker dead-letters what is rejected. Errors the same.
 */
CH_MUST_CHECK bool ch_declare_queue(amqp_connection_state_t connection, const ChQueue *queue,
                                    ChQueueKind kind, bool *keeps_rejected, GError **error);

/** Declares what is behind @queue: its dead letter exchange, its dead letter queue, and the queue
 * for letters that cannot be read. *keeps_rejected: what is rejected in the dead letter queue goes
 * there; one that was made by others or long ago drops it. Errors the same. */
CH_MUST_CHECK bool ch_declare_dead_letters(amqp_connection_state_t connection, const ChQueue *queue,
                                           ChQueueKind kind, bool *keeps_rejected, GError **error);
