/* Prunes idempotency keys. */
#include "order/worker/housekeeping.h"

#include "chassis/core/ticker.h"
#include "chassis/core/time.h"
#include "chassis/postgres/work.h"

enum {
    PERIOD_MS = 60 * 1000,
    BATCH = 5000, /* rows in one transaction: it never blocks anyone for long */
};

static const int64_t KEY_LIFE_US = INT64_C(24) * 3600 * G_USEC_PER_SEC;

typedef struct {
    OrderUpkeep *upkeep;
    ChTicker *ticker;
} Housekeeping;

static void free_housekeeping(void *opaque)
{
    Housekeeping *housekeeping = opaque;
    order_upkeep_free(housekeeping->upkeep);
    ch_ticker_free(housekeeping->ticker);
    g_free(housekeeping);
}

static bool prune(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    Housekeeping *housekeeping = context;
    OrderUpkeep *upkeep = housekeeping->upkeep;
    size_t deleted;
    if (!upkeep->ops->prune_keys(upkeep, ch_time_now_us() - KEY_LIFE_US, BATCH, &deleted, error))
        return false;
    if (deleted == BATCH)
        ch_ticker_again(housekeeping->ticker);
    return true;
}

void order_housekeeping_add(ChWorker *worker, OrderUpkeep *(*new_upkeep)(ChPg *pg))
{
    ChPg *pg = ch_worker_connection(worker);
    Housekeeping *housekeeping = g_new0(Housekeeping, 1);
    housekeeping->upkeep = new_upkeep(pg);
    housekeeping->ticker = ch_ticker_new(PERIOD_MS);
    ch_worker_own(worker, housekeeping, free_housekeeping);
    const ChLaneConfig lane = {
        .name = "prune keys",
        .max_batch = 1,
        .source = ch_ticker_source(housekeeping->ticker),
        .work = ch_pg_work(pg),
        .handler = prune,
        .context = housekeeping,
    };
    ch_worker_add_lane(worker, &lane);
}
