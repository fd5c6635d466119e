/* What the order service needs from outside: filled by infrastructure, faked by tests.
 * A store belongs to one lane and works in that lane's open transaction. All slots are mandatory.
 * Errors of every slot: UNAVAILABLE or FAILED, see chassis/core/error.h. */
#pragma once

#include "order/application/orders.h"

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

/** An order whose status was changed, with what its event tells. */
typedef struct {
    ChUuid id;
    ChUuid customer_id;
    OrderStatus status; /* the new one */
    ChDecimal total;
    char currency[ORDER_CURRENCY_BYTES];
    const char *reason; /* of a cancellation; borrowed from what caused it */
    ChTrace trace;      /* the same */
} OrderChange;

/** A change of status that is wanted. */
typedef struct {
    ChUuid id;
    OrderStatus to;
    const char *reason; /* of a cancellation; borrowed */
    const char *cause;  /* for the history; borrowed */
    ChTrace trace;
} OrderMove;

typedef struct OrderStore OrderStore;

typedef struct {
    /* answers[i] for the key of placements[i], which all have one. */
    bool (*claim_keys)(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                       OrderKeyAnswer *answers, GError **error);
    /* Stores the orders, their keys, and the events that announce them. */
    bool (*insert)(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                   GError **error);
    /* Moves each order whose status is one of from[0..n_from); the ids are distinct. *changes is a
     * new array of OrderChange for those that moved, in the order of their moves. */
    bool (*move)(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                 size_t n_from, GArray **changes, GError **error);
    /* Stores the events that announce the changes. */
    bool (*announce)(OrderStore *self, const OrderChange *changes, size_t n, GError **error);
    /* known[i]: there is an order ids[i]. */
    bool (*exist)(OrderStore *self, const ChUuid *ids, size_t n, bool *known, GError **error);
    /* orders[i] is the order ids[i], new, or NULL. */
    bool (*find)(OrderStore *self, const ChUuid *ids, size_t n, Order **orders, GError **error);
    /* *orders: new array of Order *, owning them. */
    bool (*list)(OrderStore *self, const OrderFilter *filter, GPtrArray **orders, GError **error);
    /* *entries: new array of OrderHistoryEntry, oldest first, owning the causes; NULL when there is
     * no such order. */
    bool (*history)(OrderStore *self, ChUuid id, GArray **entries, GError **error);
    /* Deletes at most @max keys from before @before_us; *n tells how many. */
    bool (*prune_keys)(OrderStore *self, int64_t before_us, int64_t max, size_t *n, GError **error);
    void (*free)(OrderStore *self);
} OrderStoreOps;

struct OrderStore {
    const OrderStoreOps *ops;
};

static inline void order_store_free(OrderStore *store)
{
    if (store != NULL)
        store->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderStore, order_store_free)
