/* The stock store on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "stock/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with stock_store_free(). */
StockStore *stock_pg_store_new(ChPg *pg);

/* ---- for the files of the store ---- */

typedef struct {
    StockStore base; /* first: the cast back is valid */
    ChPg *pg;
} StockPgStore;

static inline ChPg *stock_pg(StockStore *store)
{
    return ((StockPgStore *)store)->pg;
}

/* The slots of orders, in pg_reservations.c. */
bool stock_pg_reserve(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                      GError **error);
bool stock_pg_decided(StockStore *self, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                      GError **error);
bool stock_pg_refuse(StockStore *self, const StockResult *refused, size_t n, GError **error);
bool stock_pg_release(StockStore *self, const ChUuid *order_ids, size_t n, GArray **releases,
                      GError **error);
bool stock_pg_reservations(StockStore *self, const ChUuid *order_ids, size_t n,
                           StockReservation *reservations, GError **error);

/* The reading slots, in pg_reads.c. */
bool stock_pg_find(StockStore *self, StockLevel *levels, size_t n, GError **error);
bool stock_pg_list(StockStore *self, ChUuid after, int64_t limit, GArray **levels, GError **error);
bool stock_pg_movements(StockStore *self, ChUuid product_id, ChUuid before, int64_t limit,
                        GArray **movements, GError **error);
