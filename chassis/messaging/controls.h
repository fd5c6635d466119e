/* What may be paused in this process, as the database says: all copies of a worker read the same
 * rows, so that all obey, and a restart changes nothing. */
#pragma once

#include "chassis/core/control.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/telemetry/health.h"

typedef struct ChControls ChControls;

/** None yet. @health (borrowed) is told what is paused. */
ChControls *ch_controls_new(ChHealth *health);

/** After all that look at its controls have ended. NULL is fine. */
void ch_controls_free(ChControls *controls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChControls, ch_controls_free)

/** One more, before the first look; belongs to @controls. Borrows @name. */
ChControl *ch_controls_add(ChControls *controls, const char *name, ChControlKind kind);

/** Reads how they stand, and sets them; a row that is missing is added. A pause whose time is over
 * is none. In the open transaction of @pg. Errors: as ch_pg_query(); then all stay as they were.
 * Thread: the lane that owns @pg. */
CH_MUST_CHECK bool ch_controls_look(ChControls *controls, ChPg *pg, GError **error);
