/* Commands and what they are. */
#include "chassis/messaging/command.h"

#include <stdbool.h>
#include <stdint.h>

static int freed;

static void free_number(void *number)
{
    freed++;
    g_free(number);
}

static const ChCommandType number_type = { "number", free_number };
static const ChCommandType other_type = { "stranger", g_free };

static ChCommand number(int value)
{
    return (ChCommand){ &number_type, g_memdup2(&value, sizeof value) };
}

static void test_values_come_in_order(void)
{
    const ChCommand commands[] = { number(1), number(2) };
    g_autofree const int **values = ch_commands_values(commands, 2, &number_type);
    g_assert_cmpint(*values[0], ==, 1);
    g_assert_cmpint(*values[1], ==, 2);
    ch_command_free(commands[0]);
    ch_command_free(commands[1]);
}

static void test_each_is_freed_as_what_it_is(void)
{
    freed = 0;
    ch_command_free(number(1));
    ch_command_free((ChCommand){ NULL, NULL });
    g_assert_cmpint(freed, ==, 1);
}

static void test_another_type_ends_the_process(void)
{
    if (g_test_subprocess()) {
        const ChCommand commands[] = { number(1), { &other_type, NULL } };
        g_free(ch_commands_values(commands, 2, &number_type));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*command: this is a stranger, not a number*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/command/values-come-in-order", test_values_come_in_order);
    g_test_add_func("/command/each-is-freed-as-what-it-is", test_each_is_freed_as_what_it_is);
    g_test_add_func("/command/another-type-ends-the-process", test_another_type_ends_the_process);
    return g_test_run();
}
