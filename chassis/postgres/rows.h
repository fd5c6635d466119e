/* Rows of a result, read by position; the types must be those of the query (asserted). */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/uuid.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ChPgRows ChPgRows;

void ch_pg_rows_free(ChPgRows *rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChPgRows, ch_pg_rows_free)

/** rows[0..n), of which some may be NULL, and the array itself. */
void ch_pg_rows_free_all(ChPgRows **rows, size_t n);

size_t ch_pg_rows_count(const ChPgRows *rows);

/** Rows inserted, updated or deleted by the statement. */
size_t ch_pg_rows_affected(const ChPgRows *rows);

bool ch_pg_is_null(const ChPgRows *rows, size_t row, int column);

/* A null reads as zero, or as NULL for text and bytes. */
ChUuid ch_pg_uuid(const ChPgRows *rows, size_t row, int column);
/** smallint, integer or bigint. */
int64_t ch_pg_int(const ChPgRows *rows, size_t row, int column);
bool ch_pg_bool(const ChPgRows *rows, size_t row, int column);
/** numeric with at most 4 decimals that fits. */
ChDecimal ch_pg_decimal(const ChPgRows *rows, size_t row, int column);
/** timestamptz in microseconds since 1970 UTC. */
int64_t ch_pg_time(const ChPgRows *rows, size_t row, int column);
/** text; zero-terminated, belongs to @rows. */
const char *ch_pg_text(const ChPgRows *rows, size_t row, int column);
/** bytea; belongs to @rows. */
const uint8_t *ch_pg_bytes(const ChPgRows *rows, size_t row, int column, size_t *bytes);

/* ---- for pipeline.c ---- */

struct pg_result; /* libpq's PGresult */

/** Rows over @result, which is consumed. */
ChPgRows *ch_pg_rows_take(struct pg_result *result);
