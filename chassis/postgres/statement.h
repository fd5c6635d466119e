/* Statements with typed parameters. Each is prepared once on each connection, by itself; values
 * travel in PostgreSQL's binary format. A batch travels as arrays that `unnest` turns into rows.
 *
 *     static const ChPgStatement sql_insert_orders = {
 *         "insert into orders (id, total) select * from unnest($1, $2)",
 *         { CH_PG_UUIDS, CH_PG_DECIMALS },
 *     };
 *     ChPgParams *params = ch_pg_params_new(&sql_insert_orders);
 *     ch_pg_add_uuid(params, 0, id);
 *     ch_pg_add_decimal(params, 1, total); */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/uuid.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_PG_MAX_PARAMS = 16
};

/** The type of a parameter; the plural ones are one-dimensional arrays. */
typedef enum {
    CH_PG_NONE, /* ends the list */
    CH_PG_UUID,
    CH_PG_INT,
    CH_PG_TEXT,
    CH_PG_TIME,
    CH_PG_UUIDS,
    CH_PG_INTS,     /* bigint[] */
    CH_PG_TEXTS,    /* text[] */
    CH_PG_BYTES,    /* bytea[] */
    CH_PG_DECIMALS, /* numeric[] */
    CH_PG_TIMES,    /* timestamptz[] */
    CH_PG_TYPES_N,
} ChPgType;

/** Constant, with static lifetime: a connection knows a statement by its address. */
typedef struct {
    const char *sql;
    ChPgType types[CH_PG_MAX_PARAMS];
} ChPgStatement;

/** The values for one execution of a statement. */
typedef struct ChPgParams ChPgParams;

ChPgParams *ch_pg_params_new(const ChPgStatement *statement);
void ch_pg_params_free(ChPgParams *params);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChPgParams, ch_pg_params_free)

/* Each appends to the array parameter @index (from 0), or sets the single one; the type must be the
 * statement's (asserted). Text and bytes are copied; a NULL text or bytes is SQL null. */
void ch_pg_add_uuid(ChPgParams *params, size_t index, ChUuid value);
void ch_pg_add_int(ChPgParams *params, size_t index, int64_t value);
void ch_pg_add_text(ChPgParams *params, size_t index, const char *value);
void ch_pg_add_bytes(ChPgParams *params, size_t index, const void *value, size_t bytes);
void ch_pg_add_decimal(ChPgParams *params, size_t index, ChDecimal value);
/** @unix_us: microseconds since 1970 UTC. */
void ch_pg_add_time(ChPgParams *params, size_t index, int64_t unix_us);
/** SQL null, of any type. */
void ch_pg_add_null(ChPgParams *params, size_t index);

/* ---- for pipeline.c: the wire form ---- */

const ChPgStatement *ch_pg_params_statement(const ChPgParams *params);
/** Number of parameters of @statement. */
int ch_pg_statement_params(const ChPgStatement *statement);
/** The type's OID in pg_type. */
unsigned int ch_pg_type_oid(ChPgType type);
/** Fills values[], lengths[] (CH_PG_MAX_PARAMS each) with pointers into @params; returns how many.
 */
int ch_pg_params_wire(ChPgParams *params, const char **values, int *lengths);
