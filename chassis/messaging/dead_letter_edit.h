/* Editing a dead letter: another body is sent in its place, to the same queue, as an event of its
 * own. What died and what was sent are both kept, and the letter counts as replayed.
 *
 * The new event has an id of its own, which whoever edits chooses: by that the act is known when it
 * is asked for again. What a replay asks is asked of the new body, and more: that what died did not
 * take effect itself, and that no job is replaying letters of its queue. */
#pragma once

#include "chassis/messaging/dead_letter_admin.h"

/** What is asked for. Texts are borrowed. */
typedef struct {
    ChUuid id;        /* the letter */
    const char *body; /* the event that is sent in its place */
    size_t body_bytes;
    const char *by, *why;
    const char *as; /* as whom we know him */
    bool dry_run;   /* decide, and change nothing */
    ChTrace trace;
} ChDeadLetterEdit;

typedef enum {
    CH_DEAD_LETTER_EDITED,
    CH_DEAD_LETTER_EDITED_BEFORE, /* in the same way; nothing was done now */
    CH_DEAD_LETTER_EDIT_UNKNOWN,  /* there is no such letter */
    CH_DEAD_LETTER_EDIT_INVALID,  /* the body is no event that its consumer takes */
    CH_DEAD_LETTER_EDIT_REFUSED,
} ChDeadLetterEditResult;

typedef struct {
    ChDeadLetterEditResult result;
    char *why;           /* of INVALID a sentence about the body, of REFUSED one about "it": new */
    ChUuid message_id;   /* of EDITED and EDITED_BEFORE: the new event's */
    char *was, *was_sha; /* of EDITED: the message's old id, NULL when it had none, and the hash of
                          * its body, NULL when it was not recorded; new */
} ChDeadLetterEditOutcome;

/** Carries out @edit in the open transaction. On success *outcome is set; clear it. Errors: as
 * ch_pg_query(). Thread: the lane of @admin. */
CH_MUST_CHECK bool ch_dead_letter_edit(const ChDeadLetterAdmin *admin, const ChDeadLetterEdit *edit,
                                       ChDeadLetterEditOutcome *outcome, GError **error);

void ch_dead_letter_edit_outcome_clear(ChDeadLetterEditOutcome *outcome);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChDeadLetterEditOutcome, ch_dead_letter_edit_outcome_clear)
