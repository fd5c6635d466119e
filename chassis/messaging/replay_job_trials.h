/* What a job that only tries came to, letter by letter. All work in the open transaction of a
 * connection; errors as ch_pg_query(). */
#pragma once

#include "chassis/messaging/replay_job_letters.h"
#include "chassis/messaging/replay_trial.h"

#include <glib.h>

/** Notes, before its handler runs, that @job tries @letter, so that one that ends its worker is
 * not tried for ever; nobody else goes on with the job for ten seconds. @total: of the job, -1: it
 * is known. */
CH_MUST_CHECK bool ch_replay_trials_begin(ChPg *pg, ChUuid job, ChUuid letter, int64_t total,
                                          GError **error);

/** Notes what came of it, unless another worker did; the next letter is due in @wait_us. */
CH_MUST_CHECK bool ch_replay_trials_end(ChPg *pg, ChUuid job, const ChReplayLetter *letter,
                                        const ChTrial *trial, int64_t wait_us, GError **error);

/** A letter that was tried. */
typedef struct {
    int64_t number; /* the order of the list */
    ChUuid letter;
    char *verdict; /* owned, as the next */
    char *why;     /* NULL: it works */
} ChReplayTried;

void ch_replay_tried_free(void *tried); /* a GDestroyNotify; NULL is fine */

/** Which of them to list. */
typedef struct {
    ChUuid job;
    int64_t after, before; /* numbers between these */
    bool oldest_first;
    int64_t rows; /* at most, 1 or more */
} ChReplayTriedFilter;

/** *page: a new array of ChReplayTried *, owning them. */
CH_MUST_CHECK bool ch_replay_trials_list(ChPg *pg, const ChReplayTriedFilter *filter,
                                         GPtrArray **page, GError **error);
