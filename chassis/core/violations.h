/* Violations: what is wrong with an input, every fault of it and not only the first. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    CH_VIOLATIONS_MAX = 1024,        /* more are counted, not kept: memory is bounded */
    CH_VIOLATION_MESSAGE_BYTES = 256 /* longer messages are cut */
};

typedef struct ChViolations ChViolations;

/** An empty collection. Owned by one thread. */
ChViolations *ch_violations_new(void);
void ch_violations_free(ChViolations *violations); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChViolations, ch_violations_free)

/** Adds a fault of the value at @path, such as "items[0].quantity"; "" is the whole input.
 * The message follows the path in a sentence: "must be at least 1". Copies both. */
void ch_violations_add(ChViolations *violations, const char *path, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/** How many were added, those beyond CH_VIOLATIONS_MAX too. */
size_t ch_violations_count(const ChViolations *violations);

/** How many of them are kept, CH_VIOLATIONS_MAX at most. */
size_t ch_violations_kept(const ChViolations *violations);

/** The path and the message of the kept one at @index, in the order in which they were added. Both
 * belong to @violations. */
const char *ch_violations_path(const ChViolations *violations, size_t index);
const char *ch_violations_message(const ChViolations *violations, size_t index);

/** One line for a log or a GError: "items[0].quantity must be at least 1; customerId is required".
 * Free with g_free(). */
char *ch_violations_text(const ChViolations *violations);
