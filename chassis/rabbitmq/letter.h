/* Sending messages to the dead letter queue of the queue that they came from, by publishing them:
 * no argument of a queue is needed for that. Not to be included outside chassis/rabbitmq. Thread:
 * the consumer's. */
#pragma once

#include "chassis/rabbitmq/delivery.h"
#include "chassis/rabbitmq/publisher.h"
#include "chassis/rabbitmq/queue.h"

typedef struct ChLetters ChLetters;

/** Copies @config but borrows what it points to. Connects with the first letter. */
ChLetters *ch_letters_new(const ChPublisherConfig *config);
void ch_letters_free(ChLetters *letters);

/** Publishes @delivery, which came from @queue, to its dead letter queue with the reason @why, and
 * waits until the broker has confirmed that a queue has it. Of foreign headers only those go along
 * that we know. One that comes once more, because nobody knew whether it had arrived, is the same
 * letter. Errors: UNAVAILABLE, and then it may or may not be there. */
CH_MUST_CHECK bool ch_letters_publish(ChLetters *letters, const ChQueue *queue,
                                      const ChDelivery *delivery, const char *why, GError **error);

/** Nothing more is to be sent for now: closes the connection. */
void ch_letters_rest(ChLetters *letters);
