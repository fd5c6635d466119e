/* What becomes of a message that could not be processed: a retry, or a dead letter.
 * Both are outbox rows of the open transaction. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/delivery.h"
#include "chassis/rabbitmq/queue.h"

/** Makes the counters of @queue's retries and dead letters show 0 from the start. */
void ch_failure_register(const ChQueue *queue);

/** Sends @delivery to the retry queue of its next attempt, from where it comes back after a delay.
 * Its retry_count must be below CH_RETRIES. Errors: as ch_outbox_add(). */
CH_MUST_CHECK bool ch_failure_retry(ChPg *pg, const ChQueue *queue, const ChDelivery *delivery,
                                    const char *why, GError **error);

/** Sends @delivery to the dead letter queue of @queue with the reason @why. Errors the same. */
CH_MUST_CHECK bool ch_failure_dead_letter(ChPg *pg, const ChQueue *queue,
                                          const ChDelivery *delivery, const char *why,
                                          GError **error);
