/* The letters of a replay job: how many, which are next, and which were refused. All work in the
 * open transaction of a connection; errors as ch_pg_query(). */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>
#include <stdint.h>

/** Those that wait, died before a time, and lie behind the last one. Texts are borrowed. */
typedef struct {
    const char *queue;
    ChUuid group; /* nil: whatever their group is; else the next two are not asked for */
    const char *message_type; /* NULL: any */
    ChUuid subject;           /* nil: any */
    int64_t before_us;
    int64_t last_died_us; /* none before this */
    ChUuid last;          /* nil: all of that time */
} ChReplayLetters;

typedef struct {
    ChUuid id;
    int64_t died_us;
} ChReplayLetter;

/** *total: how many there are. */
CH_MUST_CHECK bool ch_replay_letters_count(ChPg *pg, const ChReplayLetters *letters, int64_t *total,
                                           GError **error);

/** *found: a new array of ChReplayLetter, the next @most in the order in which they died. */
CH_MUST_CHECK bool ch_replay_letters_find(ChPg *pg, const ChReplayLetters *letters, int64_t most,
                                          GArray **found, GError **error);

/** The same, to be acted upon: they and their groups are locked, letters first, each in the order
 * of ids, as whoever else takes both. */
CH_MUST_CHECK bool ch_replay_letters_pick(ChPg *pg, const ChReplayLetters *letters, int64_t most,
                                          GArray **picked, GError **error);

/** Notes that @job refused @letter because of @why. */
CH_MUST_CHECK bool ch_replay_letters_refuse(ChPg *pg, ChUuid job, ChUuid letter, const char *why,
                                            GError **error);
