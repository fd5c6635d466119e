/* Both stores in memory, with transactions. They behave as the SQL does, which against_sql.c
 * compares, but for a known bug that was asked for. */
#pragma once

#include "facts.h"

#include "tests/stores/memory_orders.h"
#include "tests/stores/memory_stock.h"

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
    MemoryOrders *orders;
    MemoryStock *stock;
    MemoryOrders *orders_before; /* the open transaction, if it will fail; else NULL */
    MemoryStock *stock_before;
    OrderStoreOps orders_ops; /* of both stores, with the bug in them */
    StockStoreOps stock_ops;
    unsigned run;
    Bug bug;
} Memory;

/** Clear with memory_clear(). */
void memory_init(Memory *memory, unsigned run, Bug bug);
void memory_clear(Memory *memory);

/** Begins a transaction, in which the call number @fails_at of a store fails; 0: none does. */
void memory_begin(Memory *memory, unsigned fails_at);

/** Undoes the transaction, in which a call failed. */
void memory_rollback(Memory *memory);

void memory_facts(const Memory *memory, Facts *facts);

/* ---- for the files of the memory ---- */

/** Gives the stores, which are sound, the slot that has the bug. */
void bug_plant(Memory *memory);
