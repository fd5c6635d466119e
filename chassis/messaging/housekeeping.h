/* Housekeeping of a service's messaging tables: reads what is paused, measures the outbox, prunes
 * the inbox, files dead letters that are in no group. */
#pragma once

#include "chassis/core/ticker.h"
#include "chassis/messaging/controls.h"
#include "chassis/postgres/pipeline.h"

typedef struct ChHousekeeping ChHousekeeping;

/** The handler's state of one housekeeping lane. Borrows @pg and @ticker, which belong to the lane,
 * and @controls, which it reads at each tick. @inbox_retention_ms: how long an event is remembered;
 * at least as long as a dead letter may be replayed. */
ChHousekeeping *ch_housekeeping_new(ChPg *pg, ChTicker *ticker, int64_t inbox_retention_ms,
                                    ChControls *controls);
void ch_housekeeping_free(ChHousekeeping *housekeeping);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHousekeeping, ch_housekeeping_free)

/** Rings @jobs, which it borrows, while there are replay jobs to carry out. NULL: nobody does. */
void ch_housekeeping_ring_for_jobs(ChHousekeeping *housekeeping, ChTicker *jobs);

/** The ChHandler of the lane; @housekeeping is its context and @items its tick. */
bool ch_housekeeping_run(void *housekeeping, void *const *items, size_t n, GError **error);
