/* Giving back the stock of cancelled orders, as they are cancelled or because support asks. The
 * caller owns all arrays. Errors: the store's, for the batch as a whole. Thread: the lane that owns
 * @store, inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** Gives back what each cancelled order took, once; what is of a deleted product is written off. An
 * order that has not come yet will take nothing. */
CH_MUST_CHECK bool stock_release(StockStore *store, const StockCancellation *const *cancellations,
                                 size_t n, GError **error);

typedef enum {
    STOCK_RELEASE_DONE,
    STOCK_RELEASE_NOTHING, /* it holds nothing: refused, given back or cancelled before it came */
    STOCK_RELEASE_UNKNOWN, /* there is no such order here */
    STOCK_RELEASE_OPEN,    /* it holds stock, and nothing here says that it is cancelled */
} StockReleaseResult;

typedef struct {
    StockReleaseResult result;
    StockReservation reservation; /* as it is now */
} StockReleaseOutcome;

/** The same of one order, of which no cancellation was handled. Only when one came: whether the
 * order is cancelled is for the order service to say, and what is confirmed keeps its stock. */
CH_MUST_CHECK bool stock_release_held(StockStore *store, const StockCancellation *wanted,
                                      StockReleaseOutcome *outcome, GError **error);
