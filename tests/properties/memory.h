/* Both stores in memory. They behave as the SQL does, which against_sql.c compares. */
#pragma once

#include "facts.h"

/** Known bugs that a store can have: the properties must find each. */
typedef enum {
    BUG_NONE,
    BUG_LATE_RESULT,         /* a result changes an order that is final */
    BUG_RELEASE_UNGUARDED,   /* stock is given back whatever the reservation says */
    BUG_NO_TOMBSTONE,        /* a cancellation ahead of its order leaves nothing */
    BUG_NO_RESERVATION,      /* whoever asks for stock gets it, also the second time */
    BUG_SILENT_CANCELLATION, /* a cancelled order is not announced */
    BUG_KEY_IGNORED,         /* a repeated request is a new order */
    BUG_HALF_ROLLED_BACK,    /* a failed transaction leaves what it did to the stock */
    BUGS_N,
} Bug;

extern const char *const bug_names[BUGS_N];

/** False when there is no bug of that name; NULL is BUG_NONE. */
bool bug_parse(const char *name, Bug *bug);

typedef struct {
    OrderStore base; /* first: the cast back is valid */
    struct Memory *memory;
} MemoryOrders;

typedef struct {
    StockStore base; /* first: the cast back is valid */
    struct Memory *memory;
} MemoryStock;

typedef struct Memory {
    MemoryOrders orders;
    MemoryStock stock;
    Facts facts;
    Facts before; /* the open transaction */
    unsigned run;
    unsigned fails_at; /* the n-th slot that is called fails; 0: none */
    Bug bug;
} Memory;

/** Empties @memory. */
void memory_init(Memory *memory, unsigned run, Bug bug);

void memory_begin(Memory *memory, unsigned fails_at);
void memory_rollback(Memory *memory);

/* ---- for the files of the memory ---- */

extern const OrderStoreOps memory_orders_ops;
extern const StockStoreOps memory_stock_ops;

/** False when this call of a slot is the one that fails. */
bool memory_called(Memory *memory, GError **error);
