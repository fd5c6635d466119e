/* What becomes of deliveries that ch_consumer_fetch() gave. Thread: the consumer's. */
#pragma once

#include "chassis/rabbitmq/consumer.h"

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
