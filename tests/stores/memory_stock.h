/* A stock store in memory. It behaves as the real one, asserts what its callers promise (distinct,
 * ascending, locked before saved), notes what was asked of it and fails where a test says so. */
#pragma once

#include "calls.h"
#include "ids.h"

#include "stock/application/ports.h"

/** What was announced of an order. */
typedef struct {
    ChUuid order_id;
    StockOutcome outcome;
    ChTrace trace;
} StockAnnouncement;

typedef struct {
    StockStore base;          /* first: the cast back is valid */
    GHashTable *levels;       /* ChUuid -> int64_t, owned: the products' rows */
    GHashTable *reservations; /* ChUuid of an order -> StockReservation, in a pointer */
    GHashTable *refusals;     /* ChUuid of an order -> StockOutcome, in a pointer */
    GHashTable *locked;       /* ChUuid: by this use case */
    GArray *ledger;           /* StockMovement; reasons borrowed */
    GArray *results;          /* StockAnnouncement */
    ChUuid told_cancelled;    /* an order whose cancellation nobody could handle; nil: none */
    GArray *releases;         /* StockAnnouncement of stock given back, without outcome */
    StoreCalls calls;
} MemoryStock;

/** The slots, for who puts others in their place. */
extern const StockStoreOps memory_stock_ops;

MemoryStock *memory_stock_new(void);
void memory_stock_free(MemoryStock *stock);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemoryStock, memory_stock_free)

/** The same store as it is now, outside any use case. */
MemoryStock *memory_stock_copy(const MemoryStock *stock);

/** Another use case begins: no locks, no calls. */
void memory_stock_begin(MemoryStock *stock);

/** Puts a product there, without a line in the ledger. */
void memory_stock_put(MemoryStock *stock, ChUuid product_id, int64_t quantity);

/** The quantity of a product; -1 when there is no such product. */
int64_t memory_stock_quantity(const MemoryStock *stock, ChUuid product_id);

StockReservation memory_stock_reservation(const MemoryStock *stock, ChUuid order_id);
void memory_stock_set_reservation(MemoryStock *stock, ChUuid order_id, StockReservation state);

/** What the ledger says of a product: the sum of its differences of @kind (NULL: of all). */
int64_t memory_stock_sum(const MemoryStock *stock, ChUuid product_id, const char *kind);
