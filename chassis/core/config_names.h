/* Variables of the environment that look like a setting and are none. */
#pragma once

#include "chassis/core/config.h"

typedef struct {
    char *name;          /* as it stands in the environment; owned */
    const char *setting; /* that is nearest to it */
} ChConfigMisspelling;

/** Those that are nearly one of keys[0..n), by letters that are missing, extra, wrong or exchanged:
 * one, or two in a long name. A new array of ChConfigMisspelling; free with g_array_unref(). */
GArray *ch_config_misspellings(const ChConfigKey *keys, size_t n);
