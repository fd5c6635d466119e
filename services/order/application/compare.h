/* Comparing what other services have of orders with what they should have. They tell it as digests
 * of ranges of orders; an order that differs is a finding, unless what became of it is not over
 * there yet (docs/decisions/0095-outcomes-are-compared-by-digests-that-name.md). */
#pragma once

#include "chassis/core/digest.h"
#include "chassis/core/error.h"
#include "order/application/orders.h"

#include <glib.h>

/** Who tells, and what: see OrderOutcome. */
typedef enum {
    ORDER_TOLD_BY_STOCK,
    ORDER_TOLD_BY_NOTIFICATION,
    ORDER_TOLD_N,
} OrderTeller;

enum {
    ORDER_COMPARE_ROWS =
        20000, /* orders of a range that are looked at; a digest has 2,000 at most */
    ORDER_TOLD_CANCELLED = 65536, /* of a notification service's value: one cancellation */
};

/** What @teller has of the orders after one and up to another. */
typedef struct {
    OrderTeller teller;
    ChUuid after, up_to;
    int64_t taken_us;             /* when it looked */
    int64_t settled_us;           /* what changed before then has to be over */
    int64_t confirmed_through_us; /* confirmations from before then are over, too; 0: as all else */
    int64_t cancelled_through_us; /* the same of cancellations */
    GArray *open;                 /* of ChUuid: orders that it deals with otherwise; owned */
    bool has_more_open;           /* than are listed */
    ChDigest digest;
} OrderDigest;

/** NULL is fine. */
void order_digest_free(OrderDigest *digest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderDigest, order_digest_free)

/** An order, and what somebody else should have of it: the units that the stock service holds, or
 * in the notification service the confirmations and, times ORDER_TOLD_CANCELLED, cancellations. */
typedef struct {
    ChUuid id;
    OrderStatus status;
    int64_t changed_us; /* when it came to this status */
    int64_t value;      /* 0: nothing */
} OrderOutcome;

/** An order that differs. */
typedef struct {
    ChUuid id;
    char *fault; /* owned; NULL: it is open, and nothing is said about it */
} OrderDifference;

typedef struct OrderCompareStore OrderCompareStore;

/* Filled by infrastructure, faked by tests; works in its lane's open transaction. All slots are
 * mandatory. Errors of every slot: UNAVAILABLE or FAILED, see chassis/core/error.h. */
typedef struct {
    /* *outcomes: new array of OrderOutcome, for the first ORDER_COMPARE_ROWS orders of the range of
     * @digest, by their ids. */
    bool (*outcomes)(OrderCompareStore *self, const OrderDigest *digest, GArray **outcomes,
                     GError **error);
    /* Notes what differs in the range of @digest. What was noted there before and is not among
     * these is forgotten; what is open stays as it was. */
    bool (*note)(OrderCompareStore *self, const OrderDigest *digest,
                 const OrderDifference *differences, size_t n, GError **error);
    void (*free)(OrderCompareStore *self);
} OrderCompareStoreOps;

struct OrderCompareStore {
    const OrderCompareStoreOps *ops;
};

static inline void order_compare_store_free(OrderCompareStore *store)
{
    if (store != NULL)
        store->ops->free(store);
}

typedef enum {
    ORDER_COMPARED_EQUAL,     /* but for what is open */
    ORDER_COMPARED_DIFFERENT, /* and noted */
    ORDER_COMPARED_OPEN,      /* too much is open to tell */
    ORDER_COMPARED_LATE,      /* too old to be compared */
    ORDER_COMPARED_N,
} OrderCompared;

/** Compares @digest at @now_us with the orders there are. Errors: the store's. */
CH_MUST_CHECK bool order_compare(OrderCompareStore *store, const OrderDigest *digest,
                                 int64_t now_us, OrderCompared *compared, GError **error);
