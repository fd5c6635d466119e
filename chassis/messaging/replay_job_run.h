/* Carrying out replay jobs, as their rows say: some letters of one job a transaction, which also
 * notes how far the job is. So a worker that dies goes on where it was, or another one does, and no
 * letter is replayed twice. A lane's work. */
#pragma once

#include "chassis/core/ticker.h"
#include "chassis/messaging/dead_letter_admin.h"

typedef struct ChReplayJobRun ChReplayJobRun;

/** Copies @admin and its consumers, borrows what they point to, and @ticker, the lane's source: it
 * has to be rung when there may be a job (ch_replay_jobs_wait()). */
ChReplayJobRun *ch_replay_job_run_new(const ChDeadLetterAdmin *admin, ChTicker *ticker);
void ch_replay_job_run_free(ChReplayJobRun *run); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChReplayJobRun, ch_replay_job_run_free)

/** The lane's ChHandler; @run is its context. */
bool ch_replay_job_run(void *run, void *const *items, size_t n, GError **error);

/** *waits: a job is to be carried out; asked by whoever rings. Errors: as ch_pg_query(). */
CH_MUST_CHECK bool ch_replay_jobs_wait(ChPg *pg, bool *waits, GError **error);
