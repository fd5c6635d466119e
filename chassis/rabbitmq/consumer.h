/* Consuming in batches: all deliveries that wait in the prefetch window, with manual
 * acknowledgement. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/rabbitmq/consumer_config.h"
#include "chassis/rabbitmq/delivery.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** The consumer lane's thread needs this much: rabbitmq-c before 0.14 reads nested header tables
 * recursively, and a frame holds enough of them to overflow a smaller stack; 0.15 refuses more than
 * about a hundred. Sanitizers make the frames larger. */
enum {
    CH_CONSUMER_STACK_BYTES = 64 * 1024 * 1024
};

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
