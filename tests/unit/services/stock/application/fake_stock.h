/* A stock store in memory. It behaves as the real one, asserts what its callers promise (distinct,
 * ascending, locked before saved), notes what was asked of it and fails where a test says so. */
#pragma once

#include "stock/application/ports.h"

typedef enum {
    FAKE_HOLDS = 1,
    FAKE_REFUSED,
    FAKE_RELEASED,
    FAKE_TOMBSTONE,
} FakeReservation;

/** What was announced of an order. */
typedef struct {
    ChUuid order_id;
    StockOutcome outcome;
    ChTrace trace;
} FakeResult;

typedef struct {
    StockStore base;          /* first: the cast back is valid */
    GHashTable *levels;       /* ChUuid -> int64_t, owned: the products' rows */
    GHashTable *reservations; /* ChUuid -> FakeReservation, in a pointer */
    GHashTable *refusals;     /* ChUuid of an order -> StockOutcome, in a pointer */
    GHashTable *locked;       /* ChUuid: by this use case */
    GArray *ledger;           /* StockMovement; reasons borrowed */
    GArray *results;          /* FakeResult: announced */
    GArray *releases;         /* FakeResult: announced, without outcome */
    GString *calls;           /* "reserve(2) lock(1) ": each slot with its n */
    const char *failing;      /* the slot that fails; NULL: none */
    ChErrorCode failure;      /* its error */
} FakeStock;

FakeStock *fake_stock_new(void);
void fake_stock_free(FakeStock *fake);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeStock, fake_stock_free)

/** Another use case begins: no locks, no calls. */
void fake_stock_begin(FakeStock *fake);

/** Puts a product there, without a line in the ledger. */
void fake_stock_put(FakeStock *fake, ChUuid product_id, int64_t quantity);

/** The quantity of a product; -1 when there is no such product. */
int64_t fake_stock_quantity(const FakeStock *fake, ChUuid product_id);

/** The reservation of an order; 0 when there is none. */
FakeReservation fake_stock_reservation(const FakeStock *fake, ChUuid order_id);

/** What the ledger says of a product: the sum of its differences of @kind (NULL: of all). */
int64_t fake_stock_sum(const FakeStock *fake, ChUuid product_id, const char *kind);

/** Ids that are easy to tell from each other, ascending by number. */
ChUuid fake_product(unsigned number);
ChUuid fake_order(unsigned number);

/** Asserts that @a is @b. */
void assert_same_id(ChUuid a, ChUuid b);
