/* Counting the open orders of customers. */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "order/application/ports.h"

/** The question about open[0..n).customer_id, and what fills the rest from its rows. */
ChPgParams *order_pg_count_open(const OrderOpen *open, size_t n);
void order_pg_take_open(const ChPgRows *rows, OrderOpen *open, size_t n);
