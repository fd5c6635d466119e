/* What may be paused as operators see it, pause it and resume it: in the database, where every copy
 * of the worker reads it (controls.h). All work in the open transaction of a connection; errors as
 * ch_pg_query(). */
#pragma once

#include "chassis/core/control.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>
#include <stdint.h>

/** A row. Texts are owned. */
typedef struct {
    char *name;
    char *kind;
    bool paused;
    int64_t paused_us;       /* since when; this and what follows: 0 or NULL where it runs */
    int64_t paused_until_us; /* 0: until somebody resumes it */
    char *by, *why;
} ChControlEntry;

void ch_control_entry_free(void *entry); /* a GDestroyNotify; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChControlEntry, ch_control_entry_free)

typedef struct ChControlDesk ChControlDesk;

/** Borrows @pg; for the lane that owns it. */
ChControlDesk *ch_control_desk_new(ChPg *pg);
void ch_control_desk_free(ChControlDesk *desk);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChControlDesk, ch_control_desk_free)

/** *entries: a new array of ChControlEntry *, owning them, by name. */
CH_MUST_CHECK bool ch_control_desk_list(ChControlDesk *desk, GPtrArray **entries, GError **error);

/** Locks the row of @name until the end of the transaction. *entry is new; NULL when there is none.
 */
CH_MUST_CHECK bool ch_control_desk_lock(ChControlDesk *desk, const char *name,
                                        ChControlEntry **entry, GError **error);

/** Pauses @name, or changes the end and the reason of its pause. @until_us 0: until it is resumed.
 * *entry is new: how it stands now. */
CH_MUST_CHECK bool ch_control_desk_pause(ChControlDesk *desk, const char *name, int64_t until_us,
                                         const char *by, const char *why, ChControlEntry **entry,
                                         GError **error);

/** Ends the pause of @name. *entry as above. */
CH_MUST_CHECK bool ch_control_desk_resume(ChControlDesk *desk, const char *name,
                                          ChControlEntry **entry, GError **error);
