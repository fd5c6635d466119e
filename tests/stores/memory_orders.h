/* An order store in memory, which notes what was asked of it and fails where a test says so. */
#pragma once

#include "calls.h"
#include "ids.h"

#include "order/application/ports.h"

typedef struct {
    ChUuid id;
    ChUuid customer_id;
    OrderStatus status;
    ChDecimal total;
} MemoryOrder;

/** A key that was claimed before. */
typedef struct {
    ChUuid customer_id;
    const char *key; /* borrowed */
    OrderKeyAnswer answer;
} MemoryKey;

typedef struct {
    OrderStore base;   /* first: the cast back is valid */
    GArray *orders;    /* MemoryOrder */
    GArray *prices;    /* OrderPrice: the list; one of a product */
    GArray *keys;      /* MemoryKey */
    GArray *inserted;  /* ChUuid of the orders that insert() got, in its order */
    GArray *moves;     /* OrderMove, as asked for; texts borrowed */
    GArray *history;   /* MemoryOrder: as each was after a move */
    GArray *announced; /* OrderChange; texts borrowed */
    StoreCalls calls;
} MemoryOrders;

/** The slots, for who puts others in their place. */
extern const OrderStoreOps memory_orders_ops;

MemoryOrders *memory_orders_new(void);
void memory_orders_free(MemoryOrders *orders);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemoryOrders, memory_orders_free)

/** The same store as it is now. */
MemoryOrders *memory_orders_copy(const MemoryOrders *orders);

/** Another use case begins: no calls. */
void memory_orders_begin(MemoryOrders *orders);

/** Stores an order of the customer 900 with the given status. */
void memory_orders_add(MemoryOrders *orders, ChUuid id, OrderStatus status);

/** The status of an order that must be there. */
OrderStatus memory_orders_status(const MemoryOrders *orders, ChUuid id);
