/* Trying a dead letter: what its replay asks is asked, the handler of its queue runs, and all of it
 * is rolled back. So it is known whether the cause is gone, and nothing has happened. Handlers do
 * no more than write rows; it may hold rows that others want, for a moment. */
#pragma once

#include "chassis/messaging/dead_letter_admin.h"

typedef enum {
    CH_TRIAL_WORKS,
    CH_TRIAL_FAILS,   /* the handler does: it would die again */
    CH_TRIAL_REFUSED, /* a replay would be refused */
    CH_TRIAL_UNTRIED, /* nobody could say: its rows are locked, it is gone, it took too long */
    CH_TRIAL_VERDICTS_N,
} ChTrialVerdict;

/** "works", "fails", "refused", "untried". */
const char *ch_trial_verdict_name(ChTrialVerdict verdict);

typedef struct {
    ChTrialVerdict verdict;
    char *why; /* owned; NULL: it works */
} ChTrial;

/** Tries the letter @id in transactions of its own on admin->pg, where none may be open, and none
 * is afterwards. Waits 100 ms for a lock and a second for a statement at most, three times.
 * Errors: UNAVAILABLE when the database is away. Thread: the lane of @admin. */
CH_MUST_CHECK bool ch_trial_run(const ChDeadLetterAdmin *admin, ChUuid id, ChTrial *trial,
                                GError **error);
