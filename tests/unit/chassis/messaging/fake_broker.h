/* A broker that follows a script: what becomes of what is published, what is delivered, and what it
 * was told about that. It takes the place of chassis/rabbitmq/publisher.h and consumer.h when a
 * test is linked (docs/decisions/0045-messaging-is-tested-at-link-time.md). */
#pragma once

#include "chassis/rabbitmq/consumer.h"
#include "chassis/rabbitmq/publisher.h"
#include "chassis/rabbitmq/settle.h"

/* ---- publishing ---- */

/** A connected publisher; what it publishes is confirmed. */
ChPublisher *fake_publisher_new(void);
void fake_publisher_free(ChPublisher *publisher);

/** From now on the message with this id ends as @outcome. */
void fake_publisher_set_outcome(ChPublisher *publisher, const char *message_id,
                                ChPublishOutcome outcome);

/** From now on the broker closes the channel on each batch that holds the message with this id. */
void fake_publisher_blame(ChPublisher *publisher, const char *message_id);

/** The next call fails with UNAVAILABLE. */
void fake_publisher_lose(ChPublisher *publisher);

/** The ids of what was published, a batch in brackets, and what else was asked: "[a b] idle [b]".
 * Belongs to @publisher. */
const char *fake_publisher_journal(const ChPublisher *publisher);

/** The last message of the last batch, a member in each line as "exchange: orders"; what is NULL, 0
 * or false is left out. Belongs to @publisher. */
const char *fake_publisher_last(const ChPublisher *publisher);

/* ---- consuming ---- */

/** A connected consumer. */
ChConsumer *fake_consumer_new(void);

/** Asserts that each delivery that was fetched was settled or released. */
void fake_consumer_free(ChConsumer *consumer);

/** A copy of @delivery waits; it gets the next tag, from 1. */
void fake_consumer_put(ChConsumer *consumer, const ChDelivery *delivery);

/** The next fetch fails with UNAVAILABLE. */
void fake_consumer_lose(ChConsumer *consumer);

/** From now on rejecting is losing: the queue has no dead letter queue. */
void fake_consumer_drop_rejected(ChConsumer *consumer);

/** What was asked of it, by tags: "ack(1-3) give-up(4) reject(5) aside(6) keep-alive release(6)
 * close wake ". Belongs to @consumer. */
const char *fake_consumer_journal(const ChConsumer *consumer);
