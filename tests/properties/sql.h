/* Both stores on PostgreSQL, and the facts as the tables have them. */
#pragma once

#include "facts.h"

#include "chassis/postgres/pipeline.h"

/** Two databases that nobody else uses, with their schemas. */
typedef struct {
    ChPg *orders_pg, *stock_pg;
    OrderStore *orders;
    StockStore *stock;
} Sql;

/** Borrows the URLs. Clear with sql_clear(). */
void sql_init(Sql *sql, const char *orders_url, const char *stock_url);
void sql_clear(Sql *sql);

/** Begins a transaction on one of the two, opened where need be. Errors: UNAVAILABLE. */
CH_MUST_CHECK bool sql_begin(ChPg *pg, GError **error);

/** Reads all there is of @run, whose events must be the only ones in the outboxes.
 * Errors: UNAVAILABLE or FAILED. */
CH_MUST_CHECK bool sql_facts(Sql *sql, unsigned run, Facts *facts, GError **error);

/** Empties the outboxes. Errors the same. */
CH_MUST_CHECK bool sql_forget_events(Sql *sql, GError **error);
