/* Dead letters: moves what lies in a dead letter queue into the table dead_letters, where it can be
 * read, counted and replayed. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/consumer.h"

typedef struct ChDeadLetters ChDeadLetters;

/** For the dead letter queue of the queue named @queue. @subject: the member of an event's Data
 * that letters can be found by, a UUID; NULL: none. Borrows all; @pg and @consumer (of the dead
 * letter queue) belong to the lane. */
ChDeadLetters *ch_dead_letters_new(const char *queue, const char *subject, ChPg *pg,
                                   ChConsumer *consumer);
void ch_dead_letters_free(ChDeadLetters *dead_letters);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChDeadLetters, ch_dead_letters_free)

/** The lane's source; belongs to @dead_letters. */
ChSource *ch_dead_letters_source(ChDeadLetters *dead_letters);

/** The lane's ChHandler; @dead_letters is its context. */
bool ch_dead_letters_run(void *dead_letters, void *const *items, size_t n, GError **error);
