/* Each bug is a slot in place of the sound one, which it calls all the same. */
#include "memory.h"

#include <string.h>

const char *const bug_names[BUGS_N] = {
    [BUG_NONE] = "none",
    [BUG_LATE_RESULT] = "late_result",
    [BUG_RELEASE_UNGUARDED] = "release_unguarded",
    [BUG_NO_TOMBSTONE] = "no_tombstone",
    [BUG_NO_RESERVATION] = "no_reservation",
    [BUG_SILENT_CANCELLATION] = "silent_cancellation",
    [BUG_KEY_IGNORED] = "key_ignored",
    [BUG_HALF_ROLLED_BACK] = "half_rolled_back",
};

bool bug_parse(const char *name, Bug *bug)
{
    for (Bug b = BUG_NONE; b < BUGS_N; b++) {
        if (name == NULL || strcmp(name, bug_names[b]) == 0) {
            *bug = b;
            return true;
        }
    }
    return false;
}

static bool late_move(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                      size_t n_from, GArray **changes, GError **error)
{
    static const OrderStatus any[] = { ORDER_CREATED, ORDER_CONFIRMED, ORDER_CANCELLED };
    (void)from;
    (void)n_from;
    return memory_orders_ops.move(self, moves, n, any, G_N_ELEMENTS(any), changes, error);
}

static bool silent_announce(OrderStore *self, const OrderChange *changes, size_t n, GError **error)
{
    g_autoptr(GArray) told = g_array_new(FALSE, FALSE, sizeof(OrderChange));
    for (size_t i = 0; i < n; i++) {
        if (changes[i].status != ORDER_CANCELLED)
            g_array_append_val(told, changes[i]);
    }
    return memory_orders_ops.announce(self, (const OrderChange *)(void *)told->data, told->len,
                                      error);
}

static bool forgetful_look_up(OrderStore *self, const OrderQuestions *asked, GError **error)
{
    g_array_set_size(((MemoryOrders *)self)->keys, 0);
    return memory_orders_ops.look_up(self, asked, error);
}

static bool unguarded_release(StockStore *self, const ChUuid *order_ids, size_t n,
                              GArray **releases, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    for (size_t i = 0; i < n; i++) {
        if (memory_stock_reservation(stock, order_ids[i]) == STOCK_RESERVATION_RELEASED)
            memory_stock_set_reservation(stock, order_ids[i], STOCK_RESERVATION_TAKEN);
    }
    return memory_stock_ops.release(self, order_ids, n, releases, error);
}

static bool traceless_release(StockStore *self, const ChUuid *order_ids, size_t n,
                              GArray **releases, GError **error)
{
    MemoryStock *stock = (MemoryStock *)self;
    if (!memory_stock_ops.release(self, order_ids, n, releases, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (memory_stock_reservation(stock, order_ids[i]) == STOCK_RESERVATION_CANCELLED)
            memory_stock_set_reservation(stock, order_ids[i], STOCK_RESERVATION_NONE);
    }
    return true;
}

static bool generous_reserve(StockStore *self, const ChUuid *order_ids, size_t n, bool *fresh,
                             GError **error)
{
    for (size_t i = 0; i < n; i++)
        memory_stock_set_reservation((MemoryStock *)self, order_ids[i], STOCK_RESERVATION_NONE);
    return memory_stock_ops.reserve(self, order_ids, n, fresh, error);
}

void bug_plant(Memory *memory)
{
    memory->orders_ops = memory_orders_ops;
    memory->stock_ops = memory_stock_ops;
    memory->orders->base.ops = &memory->orders_ops;
    memory->stock->base.ops = &memory->stock_ops;
    switch (memory->bug) {
    case BUG_LATE_RESULT:
        memory->orders_ops.move = late_move;
        break;
    case BUG_RELEASE_UNGUARDED:
        memory->stock_ops.release = unguarded_release;
        break;
    case BUG_NO_TOMBSTONE:
        memory->stock_ops.release = traceless_release;
        break;
    case BUG_NO_RESERVATION:
        memory->stock_ops.reserve = generous_reserve;
        break;
    case BUG_SILENT_CANCELLATION:
        memory->orders_ops.announce = silent_announce;
        break;
    case BUG_KEY_IGNORED:
        memory->orders_ops.look_up = forgetful_look_up;
        break;
    case BUG_NONE:
    case BUG_HALF_ROLLED_BACK: /* that one is of the transaction */
    case BUGS_N:
        break;
    }
}
