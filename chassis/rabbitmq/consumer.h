/* Consuming in batches: all deliveries that wait in the prefetch window, with manual
 * acknowledgement. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/rabbitmq/broker.h"
#include "chassis/rabbitmq/delivery.h"
#include "chassis/rabbitmq/queue.h"
#include "chassis/telemetry/health.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** The consumer lane's thread needs this much: rabbitmq-c before 0.14 reads nested header tables
 * recursively, and a frame holds enough of them to overflow a smaller stack; 0.15 refuses more than
 * about a hundred. Sanitizers make the frames larger. */
enum {
    CH_CONSUMER_STACK_BYTES = 64 * 1024 * 1024
};

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

/** A consumer that is not connected yet. Copies @config's fields but borrows what they point to. */
ChConsumer *ch_consumer_new(const ChConsumerConfig *config);
void ch_consumer_free(ChConsumer *consumer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChConsumer, ch_consumer_free)

/** Waits up to @wait_ms for a first delivery, then takes what has come, up to @max and a few MiB.
 * deliveries[0..*n) are new, freed by the settling functions. *n may be 0.
 * One that the library cannot read is `unreadable` and the last of them.
 * After a connect the window is one message until one that was never delivered before is settled:
 * whatever ended the last connection then stands alone. Errors: UNAVAILABLE. */
CH_MUST_CHECK bool ch_consumer_fetch(ChConsumer *consumer, ChDelivery **deliveries, size_t max,
                                     int wait_ms, size_t *n, GError **error);

/** Acknowledges these and everything fetched before them, and frees them. Whatever was fetched
 * before must be settled. A lost connection is not an error: they come again, as duplicates. */
void ch_consumer_ack(ChConsumer *consumer, ChDelivery *const *deliveries, size_t n);

/** Publishes @delivery to the dead letter queue with the reason @why, and acknowledges it alone
 * once the broker has confirmed that; frees it. So nothing depends on how the queue was made. When
 * the broker does not confirm it, the connection ends: it comes again, and the next fetch fails.
 * Not for an unreadable one, which cannot be sent on. */
void ch_consumer_give_up(ChConsumer *consumer, ChDelivery *delivery, const char *why);

/** Has the broker dead-letter @delivery, and frees it. Of what was fetched with it an unreadable
 * one is the last, and this ends its connection. */
void ch_consumer_reject(ChConsumer *consumer, ChDelivery *delivery);

/** Whether the broker keeps what is rejected: it depends on how the queue was made, and is known
 * once something was fetched. */
bool ch_consumer_keeps_rejected(const ChConsumer *consumer);

/** Leaves @delivery where it lies, without meeting it again for a while, and frees it; what was
 * fetched with it and is not settled has the same fate. One consumer holds back CH_UNREAD_MOST, and
 * then fetches nothing more. */
void ch_consumer_set_aside(ChConsumer *consumer, ChDelivery *delivery);

/** Frees deliveries without settling them: they come again when the connection ends. */
void ch_consumer_release(ChConsumer *consumer, ChDelivery *const *deliveries, size_t n);

/** Gives back all that has come and was not fetched, and asks for nothing until the next fetch. All
 * that was fetched is settled or released. May be called again and again. */
void ch_consumer_rest(ChConsumer *consumer);

/** Keeps the connection alive while deliveries are held. */
void ch_consumer_keep_alive(ChConsumer *consumer);

/** Asks the broker for nothing more: ch_consumer_fetch() then gives what has come already, without
 * waiting, and never connects again. What is left unfetched comes again to another consumer. */
void ch_consumer_close(ChConsumer *consumer);

/** Ends a wait in ch_consumer_fetch() at once. Any thread. */
void ch_consumer_wake(ChConsumer *consumer);
