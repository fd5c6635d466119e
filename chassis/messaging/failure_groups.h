/* Groups of failures as operators see them: what failed the same way, how often, since when, with
 * which builds, and whether somebody has said that it is over. All work in the open transaction of
 * a connection; errors as ch_pg_query(). */
#pragma once

#include "chassis/core/page.h"
#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>
#include <stdint.h>

/** Where a group stands. */
typedef enum {
    CH_FAILURE_OPEN,
    CH_FAILURE_REPLAYING, /* a letter of it was replayed, and none has failed since */
    CH_FAILURE_CLOSED,    /* somebody said that the cause is gone */
    CH_FAILURE_REGRESSED, /* it was closed, and a build that is newer than those before failed so */
    CH_FAILURE_STATES_N,
} ChFailureState;

/** "open", "replaying", "closed", "regressed". */
const char *ch_failure_state_name(ChFailureState state);

/** False when @name is none of them. */
bool ch_failure_state_parse(const char *name, ChFailureState *state);

/** A row. Texts are owned; NULL where it has none. */
typedef struct {
    ChUuid id;
    int64_t number; /* the order of the list: that in which they were seen first */
    char *queue;
    char *message_type;
    char *fingerprint;
    ChFailureState state;
    int64_t first_seen_us, last_seen_us;
    int64_t letters; /* that ever came */
    int64_t waiting; /* about which nobody has done anything yet */
    char *rate;      /* a number: letters a minute at present; the last minute's weigh most */
    char *samples;   /* JSON: the ids of the newest letters */
    char *builds;    /* JSON: those that failed so */
    char *closed_by;
    int64_t closed_us;
} ChFailureGroup;

void ch_failure_group_free(void *group); /* a GDestroyNotify; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChFailureGroup, ch_failure_group_free)

typedef struct ChFailureGroups ChFailureGroups;

/** The groups as @pg, which it borrows, reads and closes them; for the lane that owns @pg. */
ChFailureGroups *ch_failure_groups_new(ChPg *pg);
void ch_failure_groups_free(ChFailureGroups *groups);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChFailureGroups, ch_failure_groups_free)

/** The connection that it borrows: for what the same lane does about the groups. */
ChPg *ch_failure_groups_pg(ChFailureGroups *groups);

/** Which groups to list. Texts are borrowed. */
typedef struct {
    int64_t rows;          /* at most, 1 or more */
    int64_t after, before; /* numbers between these */
    bool oldest_first;
    const char *queue; /* NULL: of any */
    bool has_state;
    ChFailureState state;
} ChFailureFilter;

/** pages[i]: a new array of ChFailureGroup *, owning them, of what filters[i] asks for. */
CH_MUST_CHECK bool ch_failure_groups_list(ChFailureGroups *groups, const ChFailureFilter *filters,
                                          size_t n, GPtrArray **pages, GError **error);

/** Closes the group @id, in the name of @by. *was: its state before, *group: what it is now; NULL
 * when there is none. One that is closed stays as it is. */
CH_MUST_CHECK bool ch_failure_groups_close(ChFailureGroups *groups, ChUuid id, const char *by,
                                           ChFailureState *was, ChFailureGroup **group,
                                           GError **error);
