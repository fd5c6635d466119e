/* How many orders of a customer may be open: not final as yet. */
#pragma once

#include "order/application/ports.h"

/** The customers of a batch whose open orders have to be counted, each once. */
typedef struct {
    OrderOpen *rows; /* n, owned */
    size_t n;
    GHashTable *row_of; /* by customer */
} OrderOpenTable;

/** Makes @table one of the customers of those placements that have a limit. Clear it with
 * order_open_table_clear(). */
void order_open_table_init(OrderOpenTable *table, const OrderPlacement *const *placements,
                           size_t n);
void order_open_table_clear(OrderOpenTable *table);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OrderOpenTable, order_open_table_clear)

/** Whether @placement may be one more; then it is counted. */
bool order_open_admit(OrderOpenTable *table, const OrderPlacement *placement);
