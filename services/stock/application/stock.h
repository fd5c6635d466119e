/* Stock: what is on hand, what orders take, what operators change. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/expected.h"
#include "chassis/core/page.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STOCK_MAX_ITEMS = 1000, /* of one order, from whichever publisher */
    STOCK_MAX_REASON_CHARS = 500,
};

#define STOCK_MAX_QUANTITY INT64_C(1000000000000) /* of a product, and of one change */

typedef struct {
    ChUuid product_id;
    int64_t quantity;
} StockItem;

/** An order that wants its stock. */
typedef struct {
    ChUuid event_id; /* of the event that asks */
    ChUuid order_id;
    StockItem *items; /* n_items, owned; products are distinct and in ascending order */
    size_t n_items;
    ChTrace trace;
} StockOrder;

void stock_order_free(StockOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StockOrder, stock_order_free)

/** Brings items[0..n) into ascending order of products and sums those of one product.
 * Returns how many remain. */
size_t stock_items_merge(StockItem *items, size_t n);

/** An order that was cancelled. */
typedef struct {
    ChUuid order_id;
    ChTrace trace;
    const char *reason; /* borrowed; NULL: no other than the cancellation */
    const char *actor;  /* who has its stock released; borrowed; NULL: the cancellation itself */
} StockCancellation;

/** What became of an order. */
typedef enum {
    STOCK_TAKEN,
    STOCK_UNKNOWN_PRODUCT,
    STOCK_INSUFFICIENT,
    STOCK_UNEXPECTED, /* it could not be processed */
    STOCK_SETTLED,    /* it was decided before, or cancelled: nothing changes */
} StockOutcome;

/** The wire name of a refusal: "InsufficientStockException"; NULL for the others. */
const char *stock_outcome_error(StockOutcome outcome);

/** The refusal of that wire name; STOCK_UNEXPECTED for any other text, and for NULL. */
StockOutcome stock_outcome_parse(const char *error);

/** What an order's reservation says. The numbers are stored. */
typedef enum {
    STOCK_RESERVATION_NONE = 0, /* nobody asked yet */
    STOCK_RESERVATION_TAKEN = 1,
    STOCK_RESERVATION_REFUSED = 2,
    STOCK_RESERVATION_RELEASED = 3,
    STOCK_RESERVATION_CANCELLED = 4, /* before the order came */
} StockReservation;

/** "Taken", "Refused", "Released", "Cancelled"; NULL for none. */
const char *stock_reservation_name(StockReservation reservation);

/** A change by an operator. */
typedef enum {
    STOCK_CREATE, /* value: the quantity */
    STOCK_SET,    /* value: the quantity */
    STOCK_ADJUST, /* value: the difference */
    STOCK_DELETE,
} StockEditKind;

typedef struct {
    StockEditKind kind;
    ChUuid product_id;
    int64_t value;
    const char *reason;  /* borrowed; may be NULL */
    const char *actor;   /* who changes it; borrowed */
    bool force;          /* of DELETE: also while orders hold some of it */
    ChExpected expected; /* quantities that it may meet; not of CREATE */
    ChTrace trace;
} StockEdit;

typedef enum {
    STOCK_EDIT_DONE,
    STOCK_EDIT_EXISTS,
    STOCK_EDIT_UNKNOWN,
    STOCK_EDIT_OUT_OF_RANGE, /* it would fall below 0 or rise above STOCK_MAX_QUANTITY */
    STOCK_EDIT_HELD,         /* orders hold some of it */
    STOCK_EDIT_STALE,        /* there is another quantity than was expected */
} StockEditResult;

typedef struct {
    StockEditResult result;
    int64_t quantity; /* after the change; OUT_OF_RANGE, HELD: what is there */
    int64_t before;   /* of DONE, unless it was created */
} StockEditOutcome;

/** A line of the ledger. */
typedef struct {
    ChUuid id;
    ChUuid product_id;
    int64_t delta;
    const char *kind; /* constant */
    ChUuid order_id;  /* nil: no order */
    char *reason;     /* NULL: none */
    char *actor;      /* who changed it; NULL: an order did */
    int64_t happened_us;
} StockMovement;

void stock_movement_free(void *movement); /* a GDestroyNotify; NULL is fine */

/** Which lines of a product's ledger to list. */
typedef struct {
    ChUuid product_id;
    ChPage page;
} StockLedgerQuery;

/** What became of an order's stock. */
typedef struct {
    ChUuid order_id;
    StockReservation reservation;
    char *reason; /* of a refusal; owned; NULL: none */
    int64_t created_us, updated_us;
    GPtrArray *movements; /* of StockMovement *, owning them, oldest first */
} StockOrderStory;

enum {
    STOCK_STORY_MOVEMENTS = 3 * STOCK_MAX_ITEMS, /* taken, released, and written off */
};

void stock_order_story_clear(StockOrderStory *story);
