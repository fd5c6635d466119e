/* Jobs that replay many dead letters, as operators see them: made, shown, paused, resumed and
 * cancelled by rows, which the worker obeys (replay_job_run.h). All work in the open transaction of
 * a connection; errors as ch_pg_query(). */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>
#include <stdint.h>

/** Where a job stands. The last two are left by nothing. */
typedef enum {
    CH_REPLAY_RUNNING,
    CH_REPLAY_PAUSED,  /* by somebody */
    CH_REPLAY_STOPPED, /* by itself: too many letters came back */
    CH_REPLAY_DONE,
    CH_REPLAY_CANCELLED,
    CH_REPLAY_STATES_N,
} ChReplayState;

/** "running", "paused", "stopped", "done", "cancelled". */
const char *ch_replay_state_name(ChReplayState state);

/** False when @name is none of them. */
bool ch_replay_state_parse(const char *name, ChReplayState *state);

/** What somebody wants replayed. Texts are borrowed. */
typedef struct {
    ChUuid group;             /* the letters of this group; nil: those below */
    const char *queue;        /* NULL with a group */
    const char *message_type; /* NULL: any */
    ChUuid subject;           /* nil: any */
    int64_t since_us;         /* died then or later */
    int64_t rate;             /* letters a second, 1 or more */
    int64_t stop_failures;    /* stop when so many come back while stop_of are replayed; 0: never */
    int64_t stop_of;
    bool dry_run; /* try each, and replay none */
    const char *by, *why;
} ChReplayWish;

/** A row. Texts are owned; NULL where it has none. */
typedef struct {
    ChUuid id;
    int64_t number; /* the order of the list: that in which they were made */
    ChReplayState state;
    char *queue;
    ChUuid group; /* nil: of no group */
    char *message_type;
    ChUuid subject;
    int64_t since_us;
    int64_t rate;
    int64_t stop_failures, stop_of; /* 0: never */
    int64_t created_us;
    char *created_by, *why;
    int64_t total;    /* -1: nobody has counted yet */
    int64_t replayed; /* sent back to the queue */
    int64_t refused;
    int64_t returned; /* of those replayed: died again */
    bool dry_run;     /* it replays none, and counts what would come of each: */
    int64_t works, fails, untried;
    int64_t pace;     /* letters a thousand seconds since it began or was resumed; 0: not known */
    int64_t ended_us; /* 0: it has not */
    char *note;       /* why it stopped */
} ChReplayJob;

void ch_replay_job_free(void *job); /* a GDestroyNotify; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChReplayJob, ch_replay_job_free)

typedef enum {
    CH_REPLAY_MADE,
    CH_REPLAY_NO_GROUP, /* there is no such group */
    CH_REPLAY_BUSY,     /* the queue has a job that runs or is paused */
} ChReplayMaking;

/** Makes a job. *job: it; of BUSY the one that there is; of NO_GROUP NULL. */
CH_MUST_CHECK bool ch_replay_jobs_make(ChPg *pg, const ChReplayWish *wish, ChReplayMaking *making,
                                       ChReplayJob **job, GError **error);

/** Which jobs to list. */
typedef struct {
    int64_t rows;          /* at most, 1 or more */
    int64_t after, before; /* numbers between these */
    bool oldest_first;
    const char *queue; /* NULL: of any */
    bool has_state;
    ChReplayState state;
} ChReplayFilter;

/** pages[i]: a new array of ChReplayJob *, owning them, of what filters[i] asks for. */
CH_MUST_CHECK bool ch_replay_jobs_list(ChPg *pg, const ChReplayFilter *filters, size_t n,
                                       GPtrArray **pages, GError **error);

/** *job: the one with @id, NULL when there is none. @lock: it stays as it is until the transaction
 * ends. */
CH_MUST_CHECK bool ch_replay_jobs_find(ChPg *pg, ChUuid id, bool lock, ChReplayJob **job,
                                       GError **error);

/** Whether a job that is @from may become @to; what it is already it may. */
bool ch_replay_may_become(ChReplayState from, ChReplayState to);

/** Makes @job, which is locked and may, @to. *changed: it did; not when another job of its queue
 * runs or is paused. */
CH_MUST_CHECK bool ch_replay_jobs_change(ChPg *pg, const ChReplayJob *job, ChReplayState to,
                                         bool *changed, GError **error);

/** A letter that a job refused. */
typedef struct {
    int64_t number; /* the order of the list */
    ChUuid letter;
    char *why; /* owned */
} ChReplayRefusal;

void ch_replay_refusal_free(void *refusal); /* a GDestroyNotify; NULL is fine */

/** Which refusals to list. */
typedef struct {
    ChUuid job;
    int64_t after, before; /* numbers between these */
    bool oldest_first;
    int64_t rows; /* at most, 1 or more */
} ChReplayRefusalFilter;

/** *page: a new array of ChReplayRefusal *, owning them. */
CH_MUST_CHECK bool ch_replay_jobs_refusals(ChPg *pg, const ChReplayRefusalFilter *filter,
                                           GPtrArray **page, GError **error);
