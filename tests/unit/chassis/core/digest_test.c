/* What two sets differ in is read from the difference of their digests. */
#include "chassis/core/digest.h"

#include <glib.h>
#include <string.h>

enum {
    MANY = 5000,
    DOZENS = 32,
    ROUNDS = 300,
    HOSTILE_ROUNDS = 2000,
};

static ChUuid id_of(uint32_t number)
{
    ChUuid id = { { 0x01, 0x90, 0xa0 } };
    memcpy(id.bytes + 12, &number, sizeof number);
    return id;
}

static void add_many(ChDigest *digest, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ch_digest_add(digest, id_of(i), 1 + i % 3);
}

static const ChDigestItem *item_of(const ChDigestItem *items, size_t n, uint32_t number, bool other)
{
    for (size_t i = 0; i < n; i++) {
        if (ch_uuid_equal(items[i].id, id_of(number)) && items[i].is_other == other)
            return &items[i];
    }
    return NULL;
}

static void test_equal_sets_leave_nothing(void)
{
    ChDigest ours = { 0 };
    ChDigest theirs = { 0 };
    ChDigestItem items[CH_DIGEST_CELLS];
    size_t n = 1;
    add_many(&ours, MANY);
    add_many(&theirs, MANY);
    g_assert_cmpuint(ch_digest_cells_used(&ours), >, 0);
    ch_digest_subtract(&ours, &theirs);
    g_assert_cmpuint(ch_digest_cells_used(&ours), ==, 0);
    g_assert_true(ch_digest_read(&ours, items, &n));
    g_assert_cmpuint(n, ==, 0);
}

static void test_what_differs_is_named_with_its_side_and_value(void)
{
    ChDigest ours = { 0 };
    ChDigest theirs = { 0 };
    ChDigestItem items[CH_DIGEST_CELLS];
    size_t n = 0;
    add_many(&ours, MANY);
    add_many(&theirs, MANY);
    ch_digest_add(&ours, id_of(MANY), -7);
    ch_digest_add(&theirs, id_of(MANY + 1), 8);
    ch_digest_add(&ours, id_of(MANY + 2), 3);
    ch_digest_add(&theirs, id_of(MANY + 2), 6);
    ch_digest_subtract(&ours, &theirs);
    g_assert_true(ch_digest_read(&ours, items, &n));
    g_assert_cmpuint(n, ==, 4);
    g_assert_cmpint(item_of(items, n, MANY, false)->value, ==, -7);
    g_assert_cmpint(item_of(items, n, MANY + 1, true)->value, ==, 8);
    g_assert_cmpint(item_of(items, n, MANY + 2, false)->value, ==, 3);
    g_assert_cmpint(item_of(items, n, MANY + 2, true)->value, ==, 6);
}

/* On both sides, in each of many sets. */
static void test_a_few_dozen_differences_are_always_named(void)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        ChDigest ours = { 0 };
        ChDigest theirs = { 0 };
        ChDigestItem items[CH_DIGEST_CELLS];
        size_t n = 0;
        for (uint32_t i = 0; i < DOZENS; i++)
            ch_digest_add(i % 2 == 0 ? &ours : &theirs, id_of(round * DOZENS + i), 1);
        ch_digest_subtract(&ours, &theirs);
        g_assert_true(ch_digest_read(&ours, items, &n));
        g_assert_cmpuint(n, ==, DOZENS);
    }
}

static void test_too_many_are_said_to_be_too_many(void)
{
    ChDigest ours = { 0 };
    ChDigestItem items[CH_DIGEST_CELLS];
    size_t n = 0;
    add_many(&ours, MANY);
    g_assert_false(ch_digest_read(&ours, items, &n));
    g_assert_cmpuint(n, <, CH_DIGEST_CELLS);
}

/* Cells that nobody made of a set: reading them ends, within its room. */
static void test_cells_that_are_none_do_no_harm(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(95);
    for (int round = 0; round < HOSTILE_ROUNDS; round++) {
        ChDigest digest = { 0 };
        ChDigestItem items[CH_DIGEST_CELLS];
        size_t n = 0;
        add_many(&digest, 20);
        for (int i = 0; i < 5; i++) {
            ChDigestCell *cell = &digest.cells[g_rand_int_range(rand, 0, CH_DIGEST_CELLS)];
            cell->items = g_rand_int_range(rand, -2, 3) * (i == 0 ? G_MAXINT64 / 2 : 1);
            cell->low ^= g_rand_int(rand) % 3;
        }
        (void)ch_digest_read(&digest, items, &n);
        g_assert_cmpuint(n, <=, CH_DIGEST_CELLS);
    }
}

/* The example of docs/events/OutcomesDigestEvent.json: the layout crosses borders. */
static void test_the_layout_is_that_of_the_contract(void)
{
    static const int cells[] = { 31, 49, 91, 139 };
    ChDigest digest = { .seed = UINT64_C(1795344420123456) }; /* its OccurredOn */
    ChUuid id;
    g_assert_true(ch_uuid_parse("0190a000-0000-7000-8000-0000000000a1", 36, &id));
    ch_digest_add(&digest, id, 3);
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++) {
        const ChDigestCell *cell = &digest.cells[cells[i]];
        g_assert_cmpint(cell->items, ==, 1);
        g_assert_cmphex(cell->high, ==, UINT64_C(0x0190a00000007000));
        g_assert_cmphex(cell->low, ==, UINT64_C(0x80000000000000a1));
        g_assert_cmphex(cell->values, ==, 3);
        g_assert_cmphex(cell->checks, ==, UINT64_C(0x182725a5bbedbb02));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/digest/equal", test_equal_sets_leave_nothing);
    g_test_add_func("/digest/named", test_what_differs_is_named_with_its_side_and_value);
    g_test_add_func("/digest/dozens", test_a_few_dozen_differences_are_always_named);
    g_test_add_func("/digest/too-many", test_too_many_are_said_to_be_too_many);
    g_test_add_func("/digest/hostile", test_cells_that_are_none_do_no_harm);
    g_test_add_func("/digest/contract", test_the_layout_is_that_of_the_contract);
    return g_test_run();
}
