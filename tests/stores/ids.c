/* The first byte tells what it is the id of, the last three the number. */
#include "ids.h"

#include <glib.h>

static ChUuid numbered(uint8_t kind, unsigned number)
{
    ChUuid id = { { kind } };
    id.bytes[13] = (uint8_t)(number >> 16);
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

ChUuid fake_id(unsigned number)
{
    return numbered(0, number);
}

ChUuid fake_product(unsigned number)
{
    return numbered(1, number);
}

ChUuid fake_order(unsigned number)
{
    return numbered(2, number);
}

void assert_same_id(ChUuid a, ChUuid b)
{
    g_assert_true(ch_uuid_equal(a, b));
}
