/* Transactions of the memory: a copy of all there is. */
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
    memset(memory, 0, sizeof *memory);
    memory->orders = (MemoryOrders){ { &memory_orders_ops }, memory };
    memory->stock = (MemoryStock){ { &memory_stock_ops }, memory };
    memory->run = run;
    memory->bug = bug;
}

void memory_begin(Memory *memory, unsigned fails_at)
{
    memory->before = memory->facts;
    memory->fails_at = fails_at;
}

void memory_rollback(Memory *memory)
{
    Facts failed = memory->facts;
    memory->facts = memory->before;
    if (memory->bug == BUG_HALF_ROLLED_BACK)
        memcpy(memory->facts.products, failed.products, sizeof failed.products);
}

bool memory_called(Memory *memory, GError **error)
{
    if (memory->fails_at == 0 || --memory->fails_at > 0)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "the server went away");
    return false;
}
