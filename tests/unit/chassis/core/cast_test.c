/* A checked cast goes to the whole, and nowhere else. */
#include "chassis/core/cast.h"

#include <stdlib.h>

typedef struct {
    int (*area)(void *shape);
} ShapeOps;

typedef struct {
    const ShapeOps *ops;
} Shape;

typedef struct {
    int side;
    Shape base; /* need not be the first member */
} Square;

static const ShapeOps square_ops;
static const ShapeOps square_ops = { NULL };
static const ShapeOps circle_ops = { NULL };

static void test_goes_to_the_whole(void)
{
    Square square = { 3, { &square_ops } };
    Shape *shape = &square.base;
    g_assert_true(CH_CAST(Square, shape, &square_ops) == &square);
}

static void test_something_else_ends_the_process(void)
{
    if (g_test_subprocess()) {
        Square circle = { 3, { &circle_ops } };
        Shape *shape = &circle.base;
        exit(CH_CAST(Square, shape, &square_ops)->side == 3 ? 0 : 1);
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*this is no Square*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cast/goes-to-the-whole", test_goes_to_the_whole);
    g_test_add_func("/cast/something-else-ends-the-process", test_something_else_ends_the_process);
    return g_test_run();
}
