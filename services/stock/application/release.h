/* Giving back the stock of cancelled orders. The caller owns
 * all arrays. Errors: the store's, for the batch as a whole. Thread: the lane that owns @store,
 * inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** Gives back what each cancelled order took, once; what is of a deleted product is written off. An
 * order that has not come yet will take nothing. */
CH_MUST_CHECK bool stock_release(StockStore *store, const StockCancellation *const *cancellations,
                                 size_t n, GError **error);
