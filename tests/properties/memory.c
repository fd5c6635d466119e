/* A transaction that is going to fail keeps a copy of both stores. */
#include "memory.h"

#include <string.h>

static ChUuid make_id(unsigned kind, unsigned run, unsigned number)
{
    ChUuid id = { { (uint8_t)kind } };
    for (unsigned i = 0; i < 4; i++)
        id.bytes[4 + i] = (uint8_t)(run >> (24 - 8 * i));
    id.bytes[15] = (uint8_t)number;
    return id;
}

ChUuid order_id(unsigned run, unsigned number, bool spare)
{
    ChUuid id = make_id(2, run, number);
    id.bytes[14] = spare;
    return id;
}

ChUuid customer_id(unsigned run, unsigned number)
{
    return make_id(3, run, number);
}

ChUuid product_id(unsigned run, unsigned number)
{
    return make_id(1, run, number);
}

unsigned number_of(ChUuid id)
{
    return id.bytes[15];
}

bool is_spare(ChUuid id)
{
    return id.bytes[14] != 0;
}

void memory_init(Memory *memory, unsigned run, Bug bug)
{
    *memory = (Memory){
        .orders = memory_orders_new(),
        .stock = memory_stock_new(),
        .run = run,
        .bug = bug,
    };
    bug_plant(memory);
}

static void end_transaction(Memory *memory)
{
    g_clear_pointer(&memory->orders_before, memory_orders_free);
    g_clear_pointer(&memory->stock_before, memory_stock_free);
}

void memory_clear(Memory *memory)
{
    end_transaction(memory);
    memory_orders_free(memory->orders);
    memory_stock_free(memory->stock);
}

void memory_begin(Memory *memory, unsigned fails_at)
{
    end_transaction(memory);
    memory_orders_begin(memory->orders);
    memory_stock_begin(memory->stock);
    memory->orders->calls.fails_at = memory->stock->calls.fails_at = fails_at;
    memory->orders->calls.failure = memory->stock->calls.failure = CH_ERROR_UNAVAILABLE;
    if (fails_at == 0)
        return;
    memory->orders_before = memory_orders_copy(memory->orders);
    memory->stock_before = memory_stock_copy(memory->stock);
}

void memory_rollback(Memory *memory)
{
    g_assert_nonnull(memory->orders_before); /* nothing fails but what was to fail */
    if (memory->bug == BUG_HALF_ROLLED_BACK) {
        GHashTable *levels = memory->stock_before->levels;
        memory->stock_before->levels = g_steal_pointer(&memory->stock->levels);
        memory->stock->levels = levels;
    }
    memory_orders_free(memory->orders);
    memory_stock_free(memory->stock);
    memory->orders = g_steal_pointer(&memory->orders_before);
    memory->stock = g_steal_pointer(&memory->stock_before);
}

static void read_orders(const MemoryOrders *orders, Facts *facts)
{
    for (guint i = 0; i < orders->orders->len; i++) {
        const MemoryOrder *order = &g_array_index(orders->orders, MemoryOrder, i);
        if (is_spare(order->id)) {
            facts->strays++;
            continue;
        }
        facts->orders[number_of(order->id)].status = order->status;
        facts->orders[number_of(order->id)].created++;
    }
    for (guint i = 0; i < orders->history->len; i++) {
        const MemoryOrder *order = &g_array_index(orders->history, MemoryOrder, i);
        facts->orders[number_of(order->id)].entered[order->status]++;
    }
    for (guint i = 0; i < orders->announced->len; i++) {
        const OrderChange *change = &g_array_index(orders->announced, OrderChange, i);
        if (change->status == ORDER_CONFIRMED)
            facts->orders[number_of(change->id)].confirmed++;
        else
            facts->orders[number_of(change->id)].cancelled++;
    }
}

static void read_ledger(const MemoryStock *stock, Facts *facts)
{
    for (guint i = 0; i < stock->ledger->len; i++) {
        const StockMovement *movement = &g_array_index(stock->ledger, StockMovement, i);
        unsigned product = number_of(movement->product_id);
        unsigned order = number_of(movement->order_id);
        if (ch_uuid_is_nil(movement->order_id)) {
            facts->products[product].edited += movement->delta;
            continue;
        }
        Lines *lines = strcmp(movement->kind, "taken") == 0 ? &facts->stock[order].took[product]
                                                            : &facts->stock[order].gave[product];
        lines->lines++;
        lines->quantity += ABS(movement->delta);
    }
}

static void read_stock(const MemoryStock *stock, unsigned run, Facts *facts)
{
    for (unsigned i = 0; i < ORDERS; i++)
        facts->stock[i].reservation = memory_stock_reservation(stock, order_id(run, i, false));
    for (unsigned i = 0; i < PRODUCTS; i++) {
        int64_t quantity = memory_stock_quantity(stock, product_id(run, i));
        facts->products[i].exists = quantity >= 0;
        facts->products[i].quantity = MAX(quantity, 0);
    }
    for (guint i = 0; i < stock->results->len; i++) {
        const StockAnnouncement *result = &g_array_index(stock->results, StockAnnouncement, i);
        if (result->outcome == STOCK_TAKEN)
            facts->stock[number_of(result->order_id)].taken++;
        else
            facts->stock[number_of(result->order_id)].refused++;
    }
    for (guint i = 0; i < stock->releases->len; i++) {
        const StockAnnouncement *given = &g_array_index(stock->releases, StockAnnouncement, i);
        facts->stock[number_of(given->order_id)].released++;
    }
}

void memory_facts(const Memory *memory, Facts *facts)
{
    memset(facts, 0, sizeof *facts);
    read_orders(memory->orders, facts);
    read_ledger(memory->stock, facts);
    read_stock(memory->stock, memory->run, facts);
}
