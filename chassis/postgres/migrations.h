/* SQL migrations: numbered, applied once and in order, never edited afterwards. */
#pragma once

#include "chassis/core/error.h"

#include <stddef.h>

/** One file of a service's migrations/ folder, embedded by the build. */
typedef struct {
    int version;          /* 1, 2, 3, ... without a gap */
    const char *name;     /* 0001_orders */
    const char *sql;      /* any number of statements */
    const char *checksum; /* SHA-256 of the file, hexadecimal */
} ChMigration;

/** Applies to the database at @url what is not applied yet, each migration in a transaction of its
 * own, under an advisory lock, so that several migrators may run at once. Waits up to @wait_ms for
 * the database to answer. @migrations: @n of them, by version.
 * Errors: UNAVAILABLE (no database), FAILED (a migration's SQL, an applied migration whose file was
 * edited, a database newer than this build). A second run changes nothing. Thread: the caller's. */
CH_MUST_CHECK bool ch_migrate(const char *url, const ChMigration *migrations, size_t n, int wait_ms,
                              GError **error);
