/* Reading of values at the ends of their ranges, from results that were made by hand. */
#include "chassis/postgres/rows.h"

#include "chassis/postgres/libpq.h"

#include <string.h>

enum {
    OID_NUMERIC = 1700,
    NEGATIVE = 0x4000,
};

/* One row of one numeric, as the server sends it: digits of base 10,000, the first of @weight. */
static ChPgRows *numeric_row(uint16_t weight, uint16_t sign, const uint16_t *digits, uint16_t n)
{
    char name[] = "amount";
    PGresAttDesc column = { .name = name, .format = 1, .typid = OID_NUMERIC };
    uint16_t wire[16] = { GUINT16_TO_BE(n), GUINT16_TO_BE(weight), GUINT16_TO_BE(sign),
                          GUINT16_TO_BE(4) };
    for (uint16_t i = 0; i < n; i++)
        wire[4 + i] = GUINT16_TO_BE(digits[i]);
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    g_assert_nonnull(result);
    g_assert_cmpint(PQsetResultAttrs(result, 1, &column), !=, 0);
    g_assert_cmpint(PQsetvalue(result, 0, 0, (char *)wire, 8 + 2 * n), !=, 0);
    return ch_pg_rows_take(result);
}

static void test_decimals_reach_both_ends(void)
{
    static const uint16_t most[] = { 922, 3372, 368, 5477, 5807 };
    static const uint16_t least[] = { 922, 3372, 368, 5477, 5808 };
    g_autoptr(ChPgRows) greatest = numeric_row(3, 0, most, G_N_ELEMENTS(most));
    g_autoptr(ChPgRows) smallest = numeric_row(3, NEGATIVE, least, G_N_ELEMENTS(least));
    g_assert_cmpint(ch_pg_decimal(greatest, 0, 0), ==, INT64_MAX);
    g_assert_cmpint(ch_pg_decimal(smallest, 0, 0), ==, INT64_MIN);
}

/* The server leaves zeros at both ends out. */
static void test_decimals_without_outer_zeros(void)
{
    static const uint16_t one[] = { 1 };
    g_autoptr(ChPgRows) zero = numeric_row(0, 0, NULL, 0);
    g_autoptr(ChPgRows) least_fraction = numeric_row((uint16_t)-1, 0, one, 1);
    g_autoptr(ChPgRows) million = numeric_row(1, NEGATIVE, (const uint16_t[]){ 100 }, 1);
    g_assert_cmpint(ch_pg_decimal(zero, 0, 0), ==, 0);
    g_assert_cmpint(ch_pg_decimal(least_fraction, 0, 0), ==, 1);
    g_assert_cmpint(ch_pg_decimal(million, 0, 0), ==, INT64_C(-1000000) * CH_DECIMAL_ONE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rows/decimals-reach-both-ends", test_decimals_reach_both_ends);
    g_test_add_func("/rows/decimals-without-outer-zeros", test_decimals_without_outer_zeros);
    return g_test_run();
}
