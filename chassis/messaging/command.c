/* Commands and their types. */
#include "chassis/messaging/command.h"

void ch_command_free(ChCommand command)
{
    if (command.value != NULL)
        command.type->free(command.value);
}

void *ch_commands_values(const ChCommand *commands, size_t n, const ChCommandType *type)
{
    void **values = g_new(void *, n);
    for (size_t i = 0; i < n; i++) {
        if (G_UNLIKELY(commands[i].type != type))
            g_error("command: this is a %s, not a %s", commands[i].type->name, type->name);
        values[i] = commands[i].value;
    }
    return values;
}
