/* The slots of pg_store.c that are about orders: see StockStoreOps for what each does. */
#pragma once

#include "chassis/postgres/connection.h"
#include "stock/application/ports.h"

bool stock_pg_reserve(ChPg *pg, const ChUuid *order_ids, size_t n, bool *fresh, GError **error);
bool stock_pg_decided(ChPg *pg, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                      GError **error);
bool stock_pg_refuse(ChPg *pg, const StockResult *refused, size_t n, GError **error);
bool stock_pg_release(ChPg *pg, const ChUuid *order_ids, size_t n, GArray **releases,
                      GError **error);
bool stock_pg_reservations(ChPg *pg, const ChUuid *order_ids, size_t n,
                           StockReservation *reservations, GError **error);

/** See StockStoreOps.told_cancelled. */
CH_MUST_CHECK bool stock_pg_told_cancelled(ChPg *pg, const ChUuid *order_ids, size_t n, bool *told,
                                           GError **error);
