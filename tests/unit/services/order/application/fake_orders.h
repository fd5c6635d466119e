/* An order store in memory, which notes what was asked of it and fails where a test says so. */
#pragma once

#include "order/application/ports.h"

typedef struct {
    ChUuid id;
    ChUuid customer_id;
    OrderStatus status;
} FakeOrder;

/** A key that was claimed before. */
typedef struct {
    ChUuid customer_id;
    const char *key; /* borrowed */
    OrderKeyAnswer answer;
} FakeKey;

typedef struct {
    OrderStore base;     /* first: the cast back is valid */
    GArray *orders;      /* FakeOrder */
    GArray *keys;        /* FakeKey */
    GArray *inserted;    /* ChUuid of the orders that insert() got, in its order */
    GArray *moves;       /* OrderMove, as asked for; texts borrowed */
    GArray *announced;   /* OrderChange; texts borrowed */
    GString *calls;      /* "claim_keys(1) insert(2) ": each slot with its n */
    const char *failing; /* the slot that fails; NULL: none */
    ChErrorCode failure; /* its error */
} FakeOrders;

FakeOrders *fake_orders_new(void);
void fake_orders_free(FakeOrders *fake);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeOrders, fake_orders_free)

/** Stores an order of the customer 900 with the given status. */
void fake_orders_add(FakeOrders *fake, ChUuid id, OrderStatus status);

/** The status of an order that must be there. */
OrderStatus fake_orders_status(const FakeOrders *fake, ChUuid id);

/** An id that is easy to tell from others. */
ChUuid fake_id(unsigned number);

/** Asserts that @a is @b. */
void assert_same_id(ChUuid a, ChUuid b);
