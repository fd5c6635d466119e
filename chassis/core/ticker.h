/* A source that yields one tick at a time: for lanes whose work lies in the database
 * (outbox relay, housekeeping). */
#pragma once

#include "chassis/core/lane.h"

typedef struct ChTicker ChTicker;

/** A tick every @period_ms. Free with ch_ticker_free() after the lane has ended. */
ChTicker *ch_ticker_new(int period_ms);
void ch_ticker_free(ChTicker *ticker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChTicker, ch_ticker_free)

/** The source to put into a ChLaneConfig; belongs to the ticker. */
ChSource *ch_ticker_source(ChTicker *ticker);

/** From the handler: there is more to do, tick again at once. */
void ch_ticker_again(ChTicker *ticker);

/** From the handler: the next tick, and that one alone, comes in @latest_us instead of a period, or
 * as soon as somebody rings, but not before @soonest_us have passed. */
void ch_ticker_next(ChTicker *ticker, int64_t soonest_us, int64_t latest_us);

/** There is something to do. Any thread; heard by a lane that is not waiting yet, too. */
void ch_ticker_ring(ChTicker *ticker);
