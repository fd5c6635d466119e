/* What is true of a few orders and products: read from either kind of store, and compared. */
#pragma once

#include "order/application/ports.h"
#include "stock/application/ports.h"

enum {
    ORDERS = 6,
    PRODUCTS = 3,
    STATUSES = ORDER_CANCELLED + 1,
};

/** Lines of the ledger of one order, product and kind. */
typedef struct {
    int64_t lines;
    int64_t quantity; /* positive */
} Lines;

/** Every member is an int64_t, so that two of these can be compared as bytes. */
typedef struct {
    struct {
        int64_t status;                        /* OrderStatus; 0: there is none */
        int64_t entered[STATUSES];             /* lines of its history */
        int64_t created, confirmed, cancelled; /* events */
    } orders[ORDERS];
    int64_t strays; /* orders that nobody should have placed */
    struct {
        int64_t reservation;              /* StockReservation */
        int64_t taken, refused, released; /* events */
        Lines took[PRODUCTS], gave[PRODUCTS];
    } stock[ORDERS];
    struct {
        int64_t exists, quantity;
        int64_t edited; /* the sum of the operators' lines */
    } products[PRODUCTS];
} Facts;

/** Ids that tell their number and the run of the sequence; a spare one is of a repeated request. */
ChUuid order_id(unsigned run, unsigned number, bool spare);
ChUuid customer_id(unsigned run, unsigned number);
ChUuid product_id(unsigned run, unsigned number);
unsigned number_of(ChUuid id);
bool is_spare(ChUuid id);
