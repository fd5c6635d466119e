/* Changes of the price list by merchandisers: n commands in, n outcomes out; "no" is an outcome. */
#pragma once

#include "chassis/core/expected.h"
#include "order/application/ports.h"

/** A price that is to be set, or deleted. */
typedef struct {
    bool is_deletion;
    ChUuid product_id;
    ChDecimal unit_price; /* of a price that is set, as the currency */
    char currency[ORDER_CURRENCY_BYTES];
    ChExpected expected; /* the versions that it may meet */
    bool must_be_listed; /* it is for a price that is there */
} OrderPriceEdit;

typedef enum {
    ORDER_PRICE_CREATED,   /* the product had no price */
    ORDER_PRICE_CHANGED,   /* deleted, too */
    ORDER_PRICE_UNCHANGED, /* it had this one */
    ORDER_PRICE_UNKNOWN,   /* of a deletion: it has none */
    ORDER_PRICE_STALE,     /* the present version is not one of those expected */
} OrderPriceResult;

typedef struct {
    OrderPriceResult result;
    OrderPrice price;  /* as it is now */
    OrderPrice before; /* as it was */
} OrderPriceOutcome;

/** Applies @edits in their order; several of one product too. outcomes[i] answers edits[i]; the
 * caller owns both. Errors: the store's, for the batch as a whole. Thread: the lane that owns
 * @store, inside its open transaction. */
CH_MUST_CHECK bool order_edit_prices(OrderPrices *store, const OrderPriceEdit *edits, size_t n,
                                     OrderPriceOutcome *outcomes, GError **error);
