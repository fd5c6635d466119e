/* A PostgreSQL connection that heals: opened when first needed, opened again after it was lost. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "chassis/telemetry/health.h"

typedef struct {
    const char *url;              /* libpq connection URI; borrowed, never logged */
    const char *application_name; /* shown in pg_stat_activity; borrowed */
    int schema_version;           /* the newest migration this build knows; 0: not checked */
    bool read_only; /* for a lane that only reads: no transaction is opened, which saves a round
                     * trip a batch; each statement sees what is committed, and the server refuses
                     * writes */
    bool on_demand; /* for a lane that seldom has work: opened with the first, and closed when none
                     * has come for a minute; such a lane says nothing of health */
    ChHealthPart *health;            /* told of every change; NULL: nobody asks */
    void (*announce)(void *context); /* see ch_pg_announce(); runs on the lane's thread; NULL:
                                      * nobody wants to know */
    void *announce_context;          /* borrowed */
} ChPgConfig;

/** A connection that is not open yet. Copies @config's fields but borrows its texts. */
ChPg *ch_pg_new(const ChPgConfig *config);
void ch_pg_free(ChPg *pg);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChPg, ch_pg_free)

/** Whether it was made to read alone. */
bool ch_pg_reads_only(ChPg *pg);

/** Opens the connection unless it is open. After a failed try it answers at once for a moment
 * (50 ms to 1 s, growing) instead of trying again.
 * Its health is ok when the server would also run what it refused last.
 * Errors: UNAVAILABLE, also when the schema is not the one this build was made for, and when the
 * database is read-only and the lane is not. */
CH_MUST_CHECK bool ch_pg_connect(ChPg *pg, GError **error);

/** The same while there is nothing to do: outages that are over are told then. One on demand is not
 * opened but, after a minute, closed. */
CH_MUST_CHECK bool ch_pg_idle(ChPg *pg, GError **error);

/** A unit of work was done on it. */
void ch_pg_succeeded(ChPg *pg);
