/* Deleting idempotency keys that are out of date. */
#include "order/infrastructure/pg_upkeep.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"

/* $1: keys from before this time, $2: how many. The block range index finds them. */
static const ChPgStatement sql_prune_keys = {
    "delete from idempotency_keys where ctid = any(array("
    "select ctid from idempotency_keys where created_at < $1 limit $2))",
    { CH_PG_TIME, CH_PG_INT },
};

typedef struct {
    OrderUpkeep base;
    ChPg *pg;
} PgUpkeep;

static const OrderUpkeepOps pg_upkeep_ops;

static bool prune_keys(OrderUpkeep *self, int64_t before_us, int64_t max, size_t *n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_prune_keys);
    ch_pg_add_time(params, 0, before_us);
    ch_pg_add_int(params, 1, max);
    g_autoptr(ChPgRows) rows =
        ch_pg_query(CH_CAST(PgUpkeep, self, &pg_upkeep_ops)->pg, params, error);
    if (rows == NULL)
        return false;
    *n = ch_pg_rows_affected(rows);
    return true;
}

static void free_upkeep(OrderUpkeep *self)
{
    g_free(CH_CAST(PgUpkeep, self, &pg_upkeep_ops));
}

static const OrderUpkeepOps pg_upkeep_ops = {
    .prune_keys = prune_keys,
    .free = free_upkeep,
};

OrderUpkeep *order_pg_upkeep_new(ChPg *pg)
{
    PgUpkeep *upkeep = g_new0(PgUpkeep, 1);
    upkeep->base.ops = &pg_upkeep_ops;
    upkeep->pg = pg;
    return &upkeep->base;
}
