/* The watch over orders that are not final in time. A stuck order is announced again: its
 * OrderCreatedEvent is sent with a new event id, which the stock service's inbox does not know; the
 * reservation, one an order, keeps it from taking stock twice, and what was decided before is
 * answered again. So it does not matter whether the event, its effect or the answer was lost.
 *
 * What is late because all is late is not announced again: that would add load to a backlog. An
 * order counts as overtaken when the stock service has answered an event that was published
 * `stuck_after` later (order/application/progress.h). Those that are not overtaken get one try
 * among them every `stuck_after`: when it is answered, the others are overtaken too. */
#pragma once

#include "order/application/orders.h"

#include <glib.h>

enum {
    ORDER_WATCH_MAX = 10000,   /* stuck orders that are watched at once; more wait to be found */
    ORDER_WATCH_LOOK = 10000,  /* orders looked at in one run */
    ORDER_WATCH_FIND = 1000,   /* stuck ones found in one run */
    ORDER_WATCH_WINDOW = 1000, /* announced again within `stuck_after` and not final yet */
    ORDER_WATCH_OVERDUE = 500, /* given up in one run */
    ORDER_WATCH_SLOWEST = 16,  /* an order is announced again after 1, 1, 2, 4, 8, 16, 16, ... times
                                  `stuck_after` */
};

typedef struct {
    int64_t now_us;     /* the clock of the store */
    int64_t watched;    /* stuck orders known */
    int64_t unanswered; /* of them: announced again less than `stuck_after` ago */
    bool mine;          /* false: another worker is looking */
    bool probe_due;     /* no try on trial for `stuck_after` */
} OrderWatchState;

typedef struct {
    ChUuid order_id;
    int64_t repeats; /* how often it was announced again */
} OrderStuck;

typedef struct OrderWatchStore OrderWatchStore;

/* Filled by infrastructure, faked by tests; works in its lane's open transaction. All slots are
 * mandatory. Errors of every slot: UNAVAILABLE or FAILED, see chassis/core/error.h. */
typedef struct {
    /* Takes the watch until the transaction ends, unless another has it. */
    bool (*begin)(OrderWatchStore *self, int64_t stuck_after_us, OrderWatchState *state,
                  GError **error);
    /* Forgets the stuck orders that are final; *gone: new array of OrderStuck. */
    bool (*forget_final)(OrderWatchStore *self, GArray **gone, GError **error);
    /* Looks at the next orders older than @stuck_after_us, @max_looked at most, and adds those that
     * are not final to the stuck ones, @max_found at most. *passed: how many are not looked at
     * again; fewer than it looked at where others may still be committed among them. */
    bool (*look)(OrderWatchStore *self, int64_t stuck_after_us, int64_t max_looked,
                 int64_t max_found, int64_t *passed, int64_t *found, GError **error);
    /* Stuck orders that were last announced before @before_us and may be announced again,
     * those least often announced first, then the oldest. *due: new array of OrderStuck. */
    bool (*due)(OrderWatchStore *self, int64_t stuck_after_us, int64_t before_us, int64_t max,
                GArray **due, GError **error);
    /* Announces them with the traces given, and notes that; @probe: on trial. */
    bool (*announce_again)(OrderWatchStore *self, const OrderStuck *stuck, const ChTrace *traces,
                           size_t n, bool probe, GError **error);
    /* Stuck orders that were placed @deadline_us ago or earlier, the oldest first. *ids: new array
     * of ChUuid. */
    bool (*overdue)(OrderWatchStore *self, int64_t deadline_us, int64_t max, GArray **ids,
                    GError **error);
    void (*free)(OrderWatchStore *self);
} OrderWatchStoreOps;

struct OrderWatchStore {
    const OrderWatchStoreOps *ops;
};

static inline void order_watch_store_free(OrderWatchStore *store)
{
    if (store != NULL)
        store->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderWatchStore, order_watch_store_free)

typedef struct {
    int64_t watched;   /* stuck orders, ORDER_WATCH_MAX at most */
    int64_t announced; /* again, in this run */
    bool more;         /* there is more to look at */
} OrderWatchReport;

/** One run of the watch. @progress_us: see order_progress_us(). Errors: the store's. Thread: the
 * lane that owns @store, inside its open transaction. */
CH_MUST_CHECK bool order_watch(OrderWatchStore *store, int64_t stuck_after_us, int64_t progress_us,
                               OrderWatchReport *report, GError **error);
