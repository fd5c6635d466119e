/* What the order service needs from outside, by who needs it; the watch's port is in watch.h.
 * Filled by infrastructure, faked by tests. Each belongs to one lane and works in that lane's open
 * transaction. All slots are mandatory. Errors of every slot: UNAVAILABLE or FAILED, see
 * chassis/core/error.h. */
#pragma once

#include "order/application/next_step.h"
#include "order/application/orders.h"
#include "order/application/price.h"

#include <glib.h>

/** What the store says of an idempotency key; the key is then held until the transaction ends. */
typedef enum {
    ORDER_KEY_FREE,
    ORDER_KEY_HELD, /* by another transaction */
    ORDER_KEY_USED,
} OrderKeyState;

typedef struct {
    OrderKeyState state;
    ChUuid order_id;                        /* of a used one */
    uint8_t request_hash[ORDER_HASH_BYTES]; /* of a used one */
} OrderKeyAnswer;

/** How many of a customer's orders are open, of the newest ORDER_OPEN_LOOKED_AT. */
typedef struct {
    ChUuid customer_id;
    int64_t orders;
} OrderOpen;

enum {
    ORDER_OPEN_LOOKED_AT =
        1000, /* rows of one customer at most: an open order is among the newest */
};

/** What placing has to know. */
typedef struct {
    const OrderPlacement *const *claims; /* n_claims, each with a key */
    size_t n_claims;
    OrderKeyAnswer *answers; /* answers[i] for the key of claims[i] */
    OrderPrice *prices;      /* n_prices, whose product ids are given */
    size_t n_prices;
    OrderOpen *open; /* n_open, whose customers are given */
    size_t n_open;
} OrderQuestions;

/** An order whose status was changed, with what its event tells. */
typedef struct {
    ChUuid id;
    ChUuid customer_id;
    OrderStatus status; /* the new one */
    OrderStatus was;    /* of a move: the one before */
    ChDecimal total;
    char currency[ORDER_CURRENCY_BYTES];
    const char *reason; /* of a cancellation; borrowed from what caused it */
    ChTrace trace;      /* the same */
} OrderChange;

/** A change of status that is wanted. */
typedef struct {
    OrderAsked order;
    OrderStatus to;
    const char *reason; /* of a cancellation; borrowed */
    const char *cause;  /* for the history; borrowed */
    ChTrace trace;
} OrderMove;

/* ---- what the use cases change ---- */

typedef struct OrderStore OrderStore;

typedef struct {
    /* Answers all of @questions in one round trip. */
    bool (*look_up)(OrderStore *self, const OrderQuestions *questions, GError **error);
    /* Stores the orders, their keys, and the events that announce them. */
    bool (*insert)(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                   GError **error);
    /* Moves each order whose status is one of from[0..n_from), once; what is asked for is distinct.
     * *changes is a new array of OrderChange for those that moved, in the order of their moves. */
    bool (*move)(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                 size_t n_from, GArray **changes, GError **error);
    /* Stores the events that announce the changes. */
    bool (*announce)(OrderStore *self, const OrderChange *changes, size_t n, GError **error);
    /* Stores the events that announce orders[0..n), which are open, once more. */
    bool (*announce_created)(OrderStore *self, Order *const *orders, const ChTrace *traces,
                             size_t n, GError **error);
    /* statuses[i] is that of the order asked[i]; 0: there is no such order. */
    bool (*statuses)(OrderStore *self, const OrderAsked *asked, size_t n, OrderStatus *statuses,
                     GError **error);
    void (*free)(OrderStore *self);
} OrderStoreOps;

struct OrderStore {
    const OrderStoreOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void order_store_free(void *store)
{
    if (store != NULL)
        ((OrderStore *)store)->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderStore, order_store_free)

/* ---- the price list ---- */

typedef struct OrderPrices OrderPrices;

typedef struct {
    /* Fills prices[0..n), whose product ids are given and distinct; nobody else changes any until
     * the transaction ends. */
    bool (*lock)(OrderPrices *self, OrderPrice *prices, size_t n, GError **error);
    /* Keeps versions of prices that are locked; the newest of a product is its present one. */
    bool (*save)(OrderPrices *self, const OrderPrice *versions, size_t n, GError **error);
    void (*free)(OrderPrices *self);
} OrderPricesOps;

struct OrderPrices {
    const OrderPricesOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void order_prices_free(void *prices)
{
    if (prices != NULL)
        ((OrderPrices *)prices)->ops->free(prices);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderPrices, order_prices_free)

/* ---- what clients look at ---- */

/** Which versions of a product's price to list. */
typedef struct {
    ChUuid product_id;
    int64_t after;  /* exclusive */
    int64_t before; /* exclusive */
    int64_t limit;  /* rows, 1 or more */
    bool oldest_first;
    ChTimeRange changed; /* when it became the price */
} OrderPriceRange;

typedef struct OrderReads OrderReads;

typedef struct {
    /* orders[i] is the order asked[i], new, or NULL. */
    bool (*find)(OrderReads *self, const OrderAsked *asked, size_t n, Order **orders,
                 GError **error);
    /* statuses[i] is that of the order asked[i]; 0: there is no such order. */
    bool (*statuses)(OrderReads *self, const OrderAsked *asked, size_t n, OrderStatus *statuses,
                     GError **error);
    /* pages[i] is what filters[i] asks for: a new array of Order *, owning them. */
    bool (*list)(OrderReads *self, const OrderFilter *filters, size_t n, GPtrArray **pages,
                 GError **error);
    /* histories[i] is that of the order asked[i]: a new array of OrderHistoryEntry, oldest first,
     * owning the causes; NULL when there is no such order. */
    bool (*histories)(OrderReads *self, const OrderAsked *asked, size_t n, GArray **histories,
                      GError **error);
    /* timelines[i] is that of the order asked[i], new; NULL when there is no such order. */
    bool (*timelines)(OrderReads *self, const OrderAsked *asked, size_t n,
                      OrderTimeline **timelines, GError **error);
    /* Fills prices[0..n), whose product ids are given. */
    bool (*prices)(OrderReads *self, OrderPrice *prices, size_t n, GError **error);
    /* found[i]: a new array of OrderPrice *, owning them, by product: pages[i]. */
    bool (*list_prices)(OrderReads *self, const ChPage *pages, size_t n, GPtrArray **found,
                        GError **error);
    /* pages[i]: the same of versions, as ranges[i] asks. */
    bool (*price_versions)(OrderReads *self, const OrderPriceRange *ranges, size_t n,
                           GPtrArray **pages, GError **error);
    void (*free)(OrderReads *self);
} OrderReadsOps;

struct OrderReads {
    const OrderReadsOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void order_reads_free(void *reads)
{
    if (reads != NULL)
        ((OrderReads *)reads)->ops->free(reads);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderReads, order_reads_free)

/* ---- what grows old ---- */

typedef struct OrderUpkeep OrderUpkeep;

typedef struct {
    /* Deletes at most @max idempotency keys from before @before_us; *n tells how many. */
    bool (*prune_keys)(OrderUpkeep *self, int64_t before_us, int64_t max, size_t *n,
                       GError **error);
    void (*free)(OrderUpkeep *self);
} OrderUpkeepOps;

struct OrderUpkeep {
    const OrderUpkeepOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void order_upkeep_free(void *upkeep)
{
    if (upkeep != NULL)
        ((OrderUpkeep *)upkeep)->ops->free(upkeep);
}
