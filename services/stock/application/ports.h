/* What the stock service needs from outside, by who needs it: filled by infrastructure, faked by
 * tests. Each belongs to one lane and works in that lane's open transaction. All slots are
 * mandatory. Errors of every slot: UNAVAILABLE or FAILED, see chassis/core/error.h. */
#pragma once

#include "stock/application/stock.h"

#include <glib.h>

/** A product's row, locked. */
typedef struct {
    ChUuid product_id;
    int64_t quantity;
    bool exists;
} StockLevel;

/** What is announced of an order. */
typedef struct {
    const StockOrder *order;
    StockOutcome outcome; /* not STOCK_SETTLED */
} StockResult;

/** An order whose stock was given back. */
typedef struct {
    ChUuid order_id;
    StockItem *items; /* n_items, owned */
    size_t n_items;
} StockRelease;

/* ---- what the use cases change ---- */

typedef struct StockStore StockStore;

typedef struct {
    /* Opens a reservation for each order that has none; fresh[i] tells whether order_ids[i] had
     * none. The ids are distinct. */
    bool (*reserve)(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                    GError **error);
    /* outcomes[i]: what was decided of order_ids[i], which have reservations; STOCK_SETTLED when it
     * was cancelled since. The ids are distinct. */
    bool (*decided)(StockStore *self, const ChUuid *order_ids, size_t n, StockOutcome *outcomes,
                    GError **error);
    /* Turns reservations into refusals. */
    bool (*refuse)(StockStore *self, const StockResult *refused, size_t n, GError **error);
    /* Locks levels[0..n), whose product ids are given, distinct and ascending, and fills the rest.
     */
    bool (*lock)(StockStore *self, StockLevel *levels, size_t n, GError **error);
    /* Writes levels that lock() filled: the new quantity, or the row's end. */
    bool (*save)(StockStore *self, const StockLevel *levels, size_t n, GError **error);
    /* held[i]: an order holds stock of product_ids[i]. Ids may repeat. */
    bool (*held)(StockStore *self, const ChUuid *product_ids, size_t n, bool *held, GError **error);
    /* Creates rows; created[i] is false where the product exists. Of equal ones the first counts.
     */
    bool (*create)(StockStore *self, const StockItem *items, size_t n, bool *created,
                   GError **error);
    /* Writes the ledger. Ids and times are the store's. */
    bool (*record)(StockStore *self, const StockMovement *movements, size_t n, GError **error);
    /* Ends each reservation that holds stock, and leaves a tombstone where there is none.
     * *releases: new array of StockRelease for those that held stock. The ids are distinct. */
    bool (*release)(StockStore *self, const ChUuid *order_ids, size_t n, GArray **releases,
                    GError **error);
    /* told[i]: a cancellation of order_ids[i] came here, and nobody could handle it. */
    bool (*told_cancelled)(StockStore *self, const ChUuid *order_ids, size_t n, bool *told,
                           GError **error);
    /* Stores the events that announce what became of orders. */
    bool (*announce)(StockStore *self, const StockResult *results, size_t n, GError **error);
    /* The same of stock given back; traces[i] belongs to releases[i]. */
    bool (*announce_releases)(StockStore *self, const StockRelease *releases, const ChTrace *traces,
                              size_t n, GError **error);
    /* reservations[i] of order_ids[i]. */
    bool (*reservations)(StockStore *self, const ChUuid *order_ids, size_t n,
                         StockReservation *reservations, GError **error);
    void (*free)(StockStore *self);
} StockStoreOps;

struct StockStore {
    const StockStoreOps *ops;
};

/** A GDestroyNotify too. NULL is fine. */
static inline void stock_store_free(void *store)
{
    if (store != NULL)
        ((StockStore *)store)->ops->free(store);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StockStore, stock_store_free)

/* ---- what clients look at ---- */

typedef struct StockReads StockReads;

typedef struct {
    /* levels[i] for the product given in it, not locked. */
    bool (*find)(StockReads *self, StockLevel *levels, size_t n, GError **error);
    /* found[i]: new array of StockLevel *, owning them, in the order of product ids: pages[i]. */
    bool (*list)(StockReads *self, const ChPage *pages, size_t n, GPtrArray **found,
                 GError **error);
    /* ledgers[i]: new array of StockMovement *, owning them, as queries[i] asks. */
    bool (*movements)(StockReads *self, const StockLedgerQuery *queries, size_t n,
                      GPtrArray **ledgers, GError **error);
    /* stories[i], all zero, of order_ids[i]. */
    bool (*orders)(StockReads *self, const ChUuid *order_ids, size_t n, StockOrderStory *stories,
                   GError **error);
    void (*free)(StockReads *self);
} StockReadsOps;

struct StockReads {
    const StockReadsOps *ops;
};

/** NULL is fine. */
static inline void stock_reads_free(StockReads *reads)
{
    if (reads != NULL)
        reads->ops->free(reads);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StockReads, stock_reads_free)
