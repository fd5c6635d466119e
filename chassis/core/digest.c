/* An item is in one cell of each of four tables; a cell that holds one item alone gives it away,
 * and taking that out of its other cells may leave the next one alone. */
#include "chassis/core/digest.h"

#include <string.h>

enum {
    TABLE_CELLS = CH_DIGEST_CELLS / CH_DIGEST_COPIES,
};

typedef struct {
    uint64_t high, low, value, check;
} Item;

/* Mixes all bits of @x into all others (the finaliser of splitmix64). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t check_of(uint64_t seed, uint64_t high, uint64_t low, uint64_t value)
{
    return mix(mix(mix(high + seed) ^ low) ^ value);
}

static uint64_t read_uint64(const uint8_t bytes[8])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void write_uint64(uint64_t number, uint8_t bytes[8])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
}

static void put(ChDigest *digest, Item item, int64_t items)
{
    for (uint64_t table = 0; table < CH_DIGEST_COPIES; table++) {
        uint64_t place = mix(item.check + table + 1) % TABLE_CELLS;
        ChDigestCell *cell = &digest->cells[table * TABLE_CELLS + place];
        cell->items =
            (int64_t)((uint64_t)cell->items + (uint64_t)items); /* others' cells may wrap */
        cell->high ^= item.high;
        cell->low ^= item.low;
        cell->values ^= item.value;
        cell->checks ^= item.check;
    }
}

void ch_digest_add(ChDigest *digest, ChUuid id, int64_t value)
{
    Item item = { read_uint64(id.bytes), read_uint64(id.bytes + 8), (uint64_t)value, 0 };
    item.check = check_of(digest->seed, item.high, item.low, item.value);
    put(digest, item, 1);
}

size_t ch_digest_cells_used(const ChDigest *digest)
{
    static const ChDigestCell nothing;
    size_t used = 0;
    for (int i = 0; i < CH_DIGEST_CELLS; i++)
        used += memcmp(&digest->cells[i], &nothing, sizeof nothing) != 0;
    return used;
}

void ch_digest_subtract(ChDigest *digest, const ChDigest *other)
{
    for (int i = 0; i < CH_DIGEST_CELLS; i++) {
        ChDigestCell *cell = &digest->cells[i];
        cell->items = (int64_t)((uint64_t)cell->items - (uint64_t)other->cells[i].items);
        cell->high ^= other->cells[i].high;
        cell->low ^= other->cells[i].low;
        cell->values ^= other->cells[i].values;
        cell->checks ^= other->cells[i].checks;
    }
}

static bool is_alone(const ChDigest *digest, const ChDigestCell *cell)
{
    return (cell->items == 1 || cell->items == -1) &&
           cell->checks == check_of(digest->seed, cell->high, cell->low, cell->values);
}

/* Takes out what is alone in a cell now; false: nothing was. */
static bool take_out(ChDigest *difference, ChDigestItem items[CH_DIGEST_CELLS], size_t *n)
{
    bool found = false;
    for (int i = 0; i < CH_DIGEST_CELLS && *n < CH_DIGEST_CELLS; i++) {
        const ChDigestCell *cell = &difference->cells[i];
        if (!is_alone(difference, cell))
            continue;
        const Item item = { cell->high, cell->low, cell->values, cell->checks };
        bool is_other = cell->items < 0;
        ChDigestItem *taken = &items[(*n)++];
        *taken = (ChDigestItem){ .value = (int64_t)item.value, .is_other = is_other };
        write_uint64(item.high, taken->id.bytes);
        write_uint64(item.low, taken->id.bytes + 8);
        put(difference, item, is_other ? 1 : -1);
        found = true;
    }
    return found;
}

bool ch_digest_read(ChDigest *difference, ChDigestItem items[CH_DIGEST_CELLS], size_t *n)
{
    *n = 0;
    while (take_out(difference, items, n))
        ;
    return ch_digest_cells_used(difference) == 0;
}
