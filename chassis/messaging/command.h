/* Commands: what messages are decoded into, on their way to a use case. A command carries its type,
 * so that a use case that is handed another service's, or another queue's, says so at once. */
#pragma once

#include <glib.h>
#include <stddef.h>

/** A kind of command: one constant for each struct of the application, known by its address. */
typedef struct {
    const char *name;
    GDestroyNotify free;
} ChCommandType;

/** A command and what it is; all zero: none. */
typedef struct {
    const ChCommandType *type;
    void *value; /* the application's struct; owned */
} ChCommand;

/** None is fine. */
void ch_command_free(ChCommand command);

/** The structs of commands[0..n), which all have to be of @type (asserted): an array of pointers
 * to them, to be freed with g_free(). */
void *ch_commands_values(const ChCommand *commands, size_t n, const ChCommandType *type);
