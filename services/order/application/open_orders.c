/* Those that are there are counted in the store, those of the batch here. */
#include "order/application/open_orders.h"

void order_open_table_init(OrderOpenTable *table, const OrderPlacement *const *placements, size_t n)
{
    table->rows = g_new0(OrderOpen, n);
    table->n = 0;
    table->row_of = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    for (size_t i = 0; i < n; i++) {
        const ChUuid *customer = &placements[i]->customer_id;
        if (placements[i]->open_max == 0 || g_hash_table_contains(table->row_of, customer))
            continue;
        OrderOpen *row = &table->rows[table->n++];
        row->customer_id = *customer;
        g_hash_table_insert(table->row_of, &row->customer_id, row);
    }
}

void order_open_table_clear(OrderOpenTable *table)
{
    g_clear_pointer(&table->row_of, g_hash_table_unref);
    g_clear_pointer(&table->rows, g_free);
}

bool order_open_admit(OrderOpenTable *table, const OrderPlacement *placement)
{
    OrderOpen *row = g_hash_table_lookup(table->row_of, &placement->customer_id);
    if (row == NULL) /* nobody asks how many there are */
        return true;
    if (placement->open_max > 0 && row->orders >= placement->open_max)
        return false;
    row->orders++;
    return true;
}
