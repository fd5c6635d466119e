/* What a process finds at its start that is not as it has to be: a warning in its log for each,
 * with what it is, why it matters and how to put it right. It stops nothing. The same checks, and
 * what can be asked from outside alone, are those of ./cartwheel doctor. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CH_START_PASSWORDS,
    CH_START_PLAIN_TEXT,
    CH_START_EXPIRY_FILES,
    CH_START_EXPIRY_KEYS,
    CH_START_SCHEMA,
    CH_START_RIGHTS,
    CH_START_DURABILITY,
    CH_START_POOLER,
    CH_START_CLOCK,
    CH_START_CONNECTIONS,
    CH_START_CHECKS_N,
} ChStartCheck;

/** "database.rights": as the doctor calls it. */
const char *ch_start_check_name(ChStartCheck check);

/** False when @name is none of them. */
bool ch_start_check_parse(const char *name, ChStartCheck *check);

/** Warns of one thing that @check found. */
void ch_start_warn(ChStartCheck check, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Warns of what ends at @until_s (Unix), when that is in less than a month or has been. */
void ch_start_warn_of_end(ChStartCheck check, const char *what, int64_t until_s);
