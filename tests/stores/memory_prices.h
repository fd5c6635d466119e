/* A price list in memory. */
#pragma once

#include "calls.h"
#include "ids.h"

#include "order/application/ports.h"

typedef struct {
    OrderPrices base; /* first: the cast back is valid */
    GArray *versions; /* OrderPrice: all that were saved, in that order */
    StoreCalls calls;
} MemoryPrices;

MemoryPrices *memory_prices_new(void);
void memory_prices_free(MemoryPrices *prices);

/** The present price of @product_id: its newest version. */
OrderPrice memory_prices_get(const MemoryPrices *prices, ChUuid product_id);
