/* The relay: publishes what the outbox holds and deletes a row when the broker has confirmed it. */
#pragma once

#include "chassis/core/control.h"
#include "chassis/core/ticker.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/publisher.h"

typedef struct ChRelay ChRelay;

/** The handler's state of one relay lane. Borrows all; the first three belong to that lane.
 * @ticker is told when to look again, and whoever commits messages in this process rings it. While
 * @control is paused nothing is published, and the connections stay. */
ChRelay *ch_relay_new(ChPg *pg, ChPublisher *publisher, ChTicker *ticker, const ChControl *control);
void ch_relay_free(ChRelay *relay);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChRelay, ch_relay_free)

/** The ChHandler of the lane; @relay is its context and @items its tick. Several relays may work on
 * one outbox: each takes rows that no other holds. Errors: UNAVAILABLE; then nothing was deleted,
 * and what was published comes again as duplicates. */
bool ch_relay_run(void *relay, void *const *items, size_t n, GError **error);
