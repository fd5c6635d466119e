/* A lane over a source and a unit of work that do nothing but note what the lane asks of them, in
 * one line of text, and fail where a test says so.
 *
 *     "begin run(1-4) rollback begin run(1-2) commit settle(1-2) ..."
 *
 * Items are the numbers from 1 on, in the order in which they were put. */
#pragma once

#include "chassis/core/lane.h"

#include <glib.h>
#include <pthread.h>

enum {
    FAKE_PATIENCE_S = 30, /* how long a condition may take to come true on a loaded machine */
    FAKE_FOREVER = 1000000,
};

/** The calls that can fail. */
typedef enum {
    FAKE_TAKE,
    FAKE_BEGIN,
    FAKE_RUN, /* the handler */
    FAKE_COMMIT,
    FAKE_FAIL, /* the source's `fail` */
    FAKE_IDLE,
    FAKE_CALLS_N,
} FakeCall;

typedef struct FakeLane FakeLane;

typedef struct {
    ChWork work;
    FakeLane *owner;
} FakeWork;

/** Read the fields up to the next comment of a lane that has ended, and no others. */
struct FakeLane {
    ChSource source;   /* first: the cast back is valid */
    GArray *settled;   /* int: items in the order in which they were settled */
    GArray *handled;   /* int: those whose handler's unit was committed */
    GArray *failed;    /* int: those that `fail` wrote down */
    GString *reasons;  /* the messages of the errors that `fail` and `abandon` got, one a line */
    bool saw_stopping; /* the last handler saw, at its end, that it was told to stop */
    /* The rest is the fake's own; the mutex guards what follows it, and the fields above. */
    FakeWork work;
    const char *name;
    size_t max_batch;
    ChLane *lane; /* NULL once somebody else makes it */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    GQueue waiting; /* items, as numbers in pointers */
    GArray *faults;
    GString *journal;
    GArray *open; /* int: what the unit of work holds */
    int calls[FAKE_CALLS_N];
    int put, gone, wakes;
    int guilty, missing;  /* items; 0: none */
    bool open_is_failure; /* the open unit is of `fail` */
    bool woken, holds, shut;
};

/** A lane, not started, that takes @max_batch items at once. */
FakeLane *fake_lane_new(const char *name, size_t max_batch);

/** Opens the handler and stops the lane if it runs. */
void fake_lane_free(FakeLane *fake);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeLane, fake_lane_free)

/** The lane under test, borrowed. */
ChLane *fake_lane(FakeLane *fake);

/** For a lane of somebody else: what it is made of. Frees the lane that fake_lane() gives. */
ChLaneConfig fake_lane_config(FakeLane *fake);

/** The @nth call of this kind and the @times - 1 after it fail with @code. */
void fake_lane_fault(FakeLane *fake, FakeCall call, int nth, int times, ChErrorCode code);

/** The handler fails (FAILED) whenever @item is in its batch. */
void fake_lane_blame(FakeLane *fake, int item);

/** The handler finds its server away (UNAVAILABLE) whenever @item is in its batch. */
void fake_lane_miss(FakeLane *fake, int item);

/** The source has something inside that can be closed: before the lane starts. */
void fake_lane_set_closes(FakeLane *fake);

/** What `hold` answers; true at first. */
void fake_lane_set_holds(FakeLane *fake, bool holds);

/** Handlers wait while it is shut. */
void fake_lane_set_shut(FakeLane *fake, bool shut);

/** Puts @n more items. */
void fake_lane_put(FakeLane *fake, size_t n);

/** Starts the lane. */
void fake_lane_start(FakeLane *fake);

/** Stops it and waits until it has ended. */
void fake_lane_stop(FakeLane *fake);

/** Starts it, waits until every item is gone (settled, abandoned, let go or released), stops it. */
void fake_lane_run(FakeLane *fake);

/** Waits until @text stands in the journal. */
void fake_lane_await(FakeLane *fake, const char *text);

/** Waits until there were @n calls of this kind. */
void fake_lane_await_calls(FakeLane *fake, FakeCall call, int n);

/** Waits until `wake` was called @n times. */
void fake_lane_await_wakes(FakeLane *fake, int n);

/** The journal so far; g_free(). */
char *fake_lane_journal(FakeLane *fake);

/** Number of calls of this kind so far. */
int fake_lane_calls(FakeLane *fake, FakeCall call);
