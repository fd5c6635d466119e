/* Orders: what the service knows of them, and the use cases that change them. */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/error.h"
#include "chassis/core/page.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"
#include "chassis/core/violations.h"

#include <stddef.h>
#include <stdint.h>

enum {
    ORDER_MAX_ITEMS = 100,
    ORDER_MAX_QUANTITY = 1000000,
    ORDER_CURRENCY_BYTES = 4, /* ISO 4217 and the final zero */
    ORDER_MAX_REASON_CHARS = 500,
    ORDER_HASH_BYTES = 32, /* SHA-256 */
    ORDER_MAX_KEY_CHARS = 255,
};

extern const ChDecimal ORDER_MAX_UNIT_PRICE; /* 9,999,999.9999 */
extern const ChDecimal ORDER_MAX_TOTAL;      /* 999,999,999,999.9999 */

/** What is said of items whose total is beyond that. */
#define ORDER_TOTAL_VIOLATION "must not total more than 999999999999.9999"

/** The numbers are stored. */
typedef enum {
    ORDER_CREATED = 1,
    ORDER_CONFIRMED = 2,
    ORDER_CANCELLED = 3,
} OrderStatus;

/** "Created", "Confirmed", "Cancelled". */
const char *order_status_name(OrderStatus status);

/** False when @name is none of the three. */
bool order_status_parse(const char *name, OrderStatus *status);

/** Whether an order can get from @from to @to, in one step or more. */
bool order_status_may_become(OrderStatus from, OrderStatus to);

typedef struct {
    ChUuid product_id;
    int64_t quantity;
    ChDecimal unit_price;
    bool is_priced; /* the request names the price; else it is to be taken from the list */
} OrderItem;

/** Who says what the items of an order cost. */
typedef enum {
    ORDER_PRICES_NAMED,   /* the request, and the list for what it leaves out; what is in neither is
                           * free */
    ORDER_PRICES_OF_LIST, /* the list alone: it has a price for every item, and the request none */
} OrderPricing;

/** An order to be placed. */
typedef struct {
    ChUuid id;
    ChUuid customer_id;
    OrderItem *items; /* n_items, owned; products are distinct */
    size_t n_items;
    OrderPricing pricing;
    int64_t open_max; /* how many open orders its customer may have, with it; 0: any number */
    ChDecimal total;
    char currency[ORDER_CURRENCY_BYTES];
    int64_t created_us;
    ChTrace trace;
    char *idempotency_key;                  /* owned; NULL: none */
    uint8_t request_hash[ORDER_HASH_BYTES]; /* with a key: of the request's body */
} OrderPlacement;

void order_placement_free(OrderPlacement *placement);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderPlacement, order_placement_free)

/** Sums the items into *total. False when it exceeds ORDER_MAX_TOTAL. */
bool order_total(const OrderItem *items, size_t n, ChDecimal *total);

typedef enum {
    ORDER_PLACED,
    ORDER_REPLAYED,      /* the key was used for the same request: .id is its order */
    ORDER_KEY_REUSED,    /* the key was used for another request */
    ORDER_KEY_IN_FLIGHT, /* a request with the key is being handled */
    ORDER_TOO_MANY_OPEN, /* its customer has as many open orders as he may */
    ORDER_UNPRICED,      /* the list has no price for it, or none that fits: .violations */
} OrderPlaceResult;

typedef struct {
    OrderPlaceResult result;
    ChUuid id;                /* of PLACED and REPLAYED */
    ChViolations *violations; /* of UNPRICED; owned by who asked */
} OrderPlaceOutcome;

/** An order as somebody asks for it. */
typedef struct {
    ChUuid id;
    ChUuid owner; /* there is no such order unless it is this customer's; nil: whoever's it is */
} OrderAsked;

/** Whether an order of @customer_id is there for who asks. */
bool order_is_there_for(const OrderAsked *asked, ChUuid customer_id);

/** An order to be cancelled by its customer. */
typedef struct {
    OrderAsked order;
    const char *reason; /* borrowed; never NULL */
    ChTrace trace;
} OrderCancellation;

typedef enum {
    ORDER_CANCEL_DONE,
    ORDER_CANCEL_UNKNOWN,
    ORDER_CANCEL_ALREADY, /* it was cancelled before */
} OrderCancelResult;

typedef struct {
    OrderCancelResult result;
    OrderStatus was; /* of DONE: before */
} OrderCancelOutcome;

/** What became of an order's stock. */
typedef struct {
    ChUuid order_id;
    bool taken;
    char *reason; /* of a refusal; owned; NULL when taken */
    ChTrace trace;
    ChUuid answers; /* the order's event that asked; nil: not told */
} OrderStockResult;

void order_stock_result_free(OrderStockResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OrderStockResult, order_stock_result_free)

/** An order as it is stored. */
typedef struct {
    ChUuid id;
    ChUuid customer_id;
    OrderStatus status;
    ChDecimal total;
    char currency[ORDER_CURRENCY_BYTES];
    char *reason; /* NULL unless cancelled */
    int64_t created_us;
    int64_t updated_us;
    OrderItem *items;
    size_t n_items;
} Order;

void order_free(Order *order);

/** One line of an order's history. */
typedef struct {
    OrderStatus status;
    char *cause; /* owned */
    int64_t happened_us;
} OrderHistoryEntry;

/** What to list. */
typedef struct {
    bool has_customer, has_status;
    ChUuid customer_id;
    OrderStatus status;
    ChPage page;
} OrderFilter;
