/* A lane: one thread, one unit of work, one source, one handler.
 *
 * It takes all that waits at its source up to a limit, runs the handler on that batch inside one
 * unit of work, and settles every item after the commit. A batch is never waited for.
 *
 * What a failure does (ChErrorCode):
 *   UNAVAILABLE  the source decides: hold the items (the lane backs off with jitter and runs them
 *                again) or release them (an HTTP client gets its 503).
 *   FAILED       the batch is rolled back and run again in halves; an item that fails alone
 *                goes to the source's `fail`, in a unit of work of its own. Neighbours commit. */
#pragma once

#include "chassis/core/control.h"
#include "chassis/core/span.h"
#include "chassis/core/work.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ChLane ChLane;
typedef struct ChSource ChSource;

typedef struct {
    /* Waits up to @wait_ms for a first item, then takes what is there, @max at most, into items[].
     * *n is 0 when nothing came. Errors: UNAVAILABLE (the lane backs off and asks again). */
    bool (*take)(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                 GError **error);
    /* The batch is committed: acknowledge or answer each. The items are gone after this. */
    void (*settle)(ChSource *source, void *const *items, size_t n);
    /* @item stands alone and cannot be processed because of @why: write down what becomes of it
     * (runs inside a unit of work; settle follows its commit). */
    bool (*fail)(ChSource *source, void *item, const GError *why, GError **error);
    /* `fail` itself failed for @item: get rid of it without the unit of work. It is gone after
     * this. */
    void (*abandon)(ChSource *source, void *item, const GError *why);
    /* A server is away. True: keep the items and try again. False: they were answered and are gone.
     */
    bool (*hold)(ChSource *source, void *const *items, size_t n, const GError *why);
    /* The lane stops while it holds these: release them without settling them. */
    void (*release)(ChSource *source, void *const *items, size_t n);
    /* The lane stops: ask for nothing more. `take` goes on to give what has come already, without
     * waiting. NULL: nothing lies inside the source. */
    void (*close)(ChSource *source);
    /* An operator has paused the lane, which holds nothing: give back what was asked for and not
     * taken, so that others get it. Called again and again while that lasts. NULL: nothing lies
     * inside the source, and what the lane holds when it is paused it finishes. */
    void (*rest)(ChSource *source);
    /* Any thread: end a wait in `take` at once. */
    void (*wake)(ChSource *source);
    /* The span of @item in the batch that begins at @start_us; NULL: it is not sampled. Asked while
     * spans are recorded. A NULL slot: items have no traces. */
    ChSpan *(*span)(ChSource *source, void *item, int64_t start_us);
} ChSourceOps;

struct ChSource {
    const ChSourceOps *ops; /* every slot is mandatory but close, rest and span */
};

/** @items: @n pointers from the lane's source. Runs on the lane's thread inside its unit of work.
 * Errors: UNAVAILABLE or FAILED, for the batch as a whole; nothing may be left half done outside
 * the unit of work. */
typedef bool (*ChHandler)(void *context, void *const *items, size_t n, GError **error);

typedef struct {
    const char *name;   /* in logs, and cut to 15 characters of the thread; borrowed */
    size_t max_batch;   /* 1 or more */
    size_t stack_bytes; /* 0: 512 KiB */
    ChSource *source;   /* borrowed, as all below; used by the lane's thread alone but for wake */
    ChWork *work;
    ChHandler handler;
    void *context;
    const ChControl *control; /* NULL: nobody can pause it */
} ChLaneConfig;

/** A lane that does not run yet. */
ChLane *ch_lane_new(const ChLaneConfig *config);

/** Starts the thread. Errors: UNAVAILABLE when the system gives none. */
CH_MUST_CHECK bool ch_lane_start(ChLane *lane, GError **error);

/** Asks the lane to stop after the batch it is on; returns at once. Any thread. */
void ch_lane_stop(ChLane *lane);

/** Waits until the thread has ended or @deadline_us (ch_time_monotonic_us) has passed.
 * False: it still runs, and the process must exit without freeing what the lane uses. */
bool ch_lane_join(ChLane *lane, int64_t deadline_us);

/** Frees a lane that never started or was joined. NULL is fine. */
void ch_lane_free(ChLane *lane);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChLane, ch_lane_free)

/** The name it was made with. */
const char *ch_lane_name(const ChLane *lane);

/** A batch of this lane in progress was told to stop: long handlers look here between items. */
bool ch_lane_stopping(const ChLane *lane);
