/* The order store in memory. The slots of readers are empty: no use case here reads. */
#include "memory.h"

#include <string.h>

static Memory *memory_of(OrderStore *self)
{
    return ((MemoryOrders *)self)->memory;
}

/* The key of an order is that of its customer, and all requests with it are the same. */
static bool claim_keys(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                       OrderKeyAnswer *answers, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(placements[i]->customer_id);
        answers[i] = (OrderKeyAnswer){ .state = ORDER_KEY_FREE };
        if (memory->facts.orders[number].status == 0 || memory->bug == BUG_KEY_IGNORED)
            continue;
        answers[i].state = ORDER_KEY_USED;
        answers[i].order_id = order_id(memory->run, number, false);
        memcpy(answers[i].request_hash, placements[i]->request_hash, ORDER_HASH_BYTES);
    }
    return true;
}

static bool insert(OrderStore *self, const OrderPlacement *const *placements, size_t n,
                   GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(placements[i]->id);
        if (is_spare(placements[i]->id)) {
            memory->facts.strays++;
            continue;
        }
        g_assert(memory->facts.orders[number].status == 0); /* else a unique violation */
        memory->facts.orders[number].status = ORDER_CREATED;
        memory->facts.orders[number].created++;
    }
    return true;
}

static bool may_leave(const Memory *memory, int64_t status, const OrderStatus *from, size_t n_from)
{
    if (memory->bug == BUG_LATE_RESULT && status != 0)
        return true;
    for (size_t i = 0; i < n_from; i++) {
        if (status == (int64_t)from[i])
            return true;
    }
    return false;
}

static bool move(OrderStore *self, const OrderMove *moves, size_t n, const OrderStatus *from,
                 size_t n_from, GArray **changes, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    *changes = g_array_new(FALSE, TRUE, sizeof(OrderChange));
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(moves[i].id);
        if (!may_leave(memory, memory->facts.orders[number].status, from, n_from))
            continue;
        memory->facts.orders[number].status = moves[i].to;
        memory->facts.orders[number].entered[moves[i].to]++;
        OrderChange change = {
            .id = moves[i].id,
            .customer_id = customer_id(memory->run, number),
            .status = moves[i].to,
            .reason = moves[i].reason,
        };
        g_array_append_val(*changes, change);
    }
    return true;
}

static bool announce(OrderStore *self, const OrderChange *changes, size_t n, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned number = number_of(changes[i].id);
        if (changes[i].status == ORDER_CONFIRMED)
            memory->facts.orders[number].confirmed++;
        else if (memory->bug != BUG_SILENT_CANCELLATION)
            memory->facts.orders[number].cancelled++;
    }
    return true;
}

static bool exist(OrderStore *self, const ChUuid *ids, size_t n, bool *known, GError **error)
{
    Memory *memory = memory_of(self);
    if (!memory_called(memory, error))
        return false;
    for (size_t i = 0; i < n; i++)
        known[i] = memory->facts.orders[number_of(ids[i])].status != 0;
    return true;
}

const OrderStoreOps memory_orders_ops = {
    .claim_keys = claim_keys,
    .insert = insert,
    .move = move,
    .announce = announce,
    .exist = exist,
};
