/* A consumer that receives nothing: when it looks, and when it starts anew. */
#include "chassis/rabbitmq/stall.h"

#include <glib.h>

enum {
    S = 1000000
};

static ChStall started(void)
{
    ChStall stall = { .suspected = true };
    ch_stall_none(&stall, 100 * S);
    return stall;
}

static void test_it_looks_after_ten_idle_seconds(void)
{
    ChStall stall = started();
    g_assert_false(ch_stall_should_look(&stall, 110 * S - 1));
    g_assert_true(ch_stall_should_look(&stall, 110 * S));
    ch_stall_none(&stall, 109 * S);
    g_assert_false(ch_stall_should_look(&stall, 119 * S - 1));
}

static void test_an_empty_queue_is_no_stall(void)
{
    ChStall stall = started();
    for (int64_t s = 110; s <= 200; s += 10) {
        g_assert_true(ch_stall_should_look(&stall, s * S));
        g_assert_false(ch_stall_looked(&stall, s * S, 0));
        g_assert_false(ch_stall_should_look(&stall, (s + 10) * S - 1));
    }
}

static void test_messages_that_do_not_come_twice_are_one(void)
{
    ChStall stall = started();
    g_assert_false(ch_stall_looked(&stall, 110 * S, 5));
    g_assert_false(ch_stall_should_look(&stall, 112 * S - 1));
    g_assert_true(ch_stall_should_look(&stall, 112 * S));
    g_assert_true(ch_stall_looked(&stall, 112 * S, 5));
}

static void test_what_came_in_between_clears_it(void)
{
    ChStall stall = started();
    g_assert_false(ch_stall_looked(&stall, 110 * S, 5));
    ch_stall_none(&stall, 111 * S);
    g_assert_false(ch_stall_looked(&stall, 121 * S, 5));
    g_assert_false(ch_stall_looked(&stall, 123 * S, 0));
    g_assert_false(ch_stall_looked(&stall, 133 * S, 5));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stall/it-looks-after-ten-idle-seconds", test_it_looks_after_ten_idle_seconds);
    g_test_add_func("/stall/an-empty-queue-is-no-stall", test_an_empty_queue_is_no_stall);
    g_test_add_func("/stall/messages-that-do-not-come-twice-are-one",
                    test_messages_that_do_not_come_twice_are_one);
    g_test_add_func("/stall/what-came-in-between-clears-it", test_what_came_in_between_clears_it);
    return g_test_run();
}
