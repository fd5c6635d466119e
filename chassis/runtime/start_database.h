/* What a process finds in its database at its start: a lane of its own that asks once, as soon as
 * the database is there with the schema of the build, warns of what is not as it has to be, and is
 * done. An older schema is warned of after a minute: the migrator may be on its way. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/postgres/connection.h"

typedef struct ChStartDatabase ChStartDatabase;

/** Asks with sessions as @session says (url, application name; the version that its build needs).
 * Borrows it. */
ChStartDatabase *ch_start_database_new(const ChPgConfig *session);

/** After its lane has ended. NULL is fine. */
void ch_start_database_free(ChStartDatabase *start);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChStartDatabase, ch_start_database_free)

/** Its lane, which borrows it. */
ChLaneConfig ch_start_database_lane(ChStartDatabase *start);
