/* The order store on PostgreSQL. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

/** A store on @pg, which it borrows; for the lane that owns @pg. Free with order_pg_store_free().
 */
OrderStore *order_pg_store_new(ChPg *pg);

/** A GDestroyNotify. NULL is fine. */
void order_pg_store_free(void *store);

/* ---- for the files of the store ---- */

typedef struct {
    OrderStore base; /* first: the cast back is valid */
    ChPg *pg;
} OrderPgStore;

static inline ChPg *order_pg(OrderStore *store)
{
    return ((OrderPgStore *)store)->pg;
}

/* The reading slots, in pg_reads.c. */
bool order_pg_find(OrderStore *self, const ChUuid *ids, size_t n, Order **orders, GError **error);
bool order_pg_list(OrderStore *self, const OrderFilter *filter, GPtrArray **orders, GError **error);
bool order_pg_history(OrderStore *self, ChUuid id, GArray **entries, GError **error);
