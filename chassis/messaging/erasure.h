/* Erasing what a service holds of a person, a piece at a time.
 *
 * Each piece is one transaction of a bounded number of rows, and finds what is left by itself: it
 * may be repeated, and goes on where a process ended. Facts stay: ids, times, statuses, amounts.
 *
 * What every service holds is here: bodies and reasons of dead letters, and of failed messages that
 * were parked. The column `person` of both tables says whom a body names; the service's own
 * migration adds it, because the service knows how its events name a person
 * (docs/security.md, Personal
 * data). */
#pragma once

#include "chassis/postgres/pipeline.h"

enum {
    CH_ERASURE_MAX_PARTS = 8, /* ours and the service's */
};

/** What is erased by one statement. A constant. */
typedef struct {
    const char *what;         /* a member of the answer: "notifications" */
    const ChPgStatement *sql; /* $1 the person, $2 how many rows at most; affects those alone that
                               * still hold something */
} ChErasurePart;

typedef struct ChErasure ChErasure;

/** Borrows both; @parts[0..n) are the service's own. */
ChErasure *ch_erasure_new(ChPg *pg, const ChErasurePart *parts, size_t n);

/** NULL is fine. */
void ch_erasure_free(ChErasure *erasure);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChErasure, ch_erasure_free)

/** What was erased: rows[i] of the part names[i]. */
typedef struct {
    size_t parts;
    const char *names[CH_ERASURE_MAX_PARTS];
    int64_t rows[CH_ERASURE_MAX_PARTS];
    bool done; /* nothing is left */
} ChErased;

/** Erases at most @max rows of each part in the open transaction. Errors: as ch_pg_query(). Thread:
 * the lane that owns the connection. */
CH_MUST_CHECK bool ch_erasure_run(ChErasure *erasure, ChUuid person, int64_t max, ChErased *erased,
                                  GError **error);
