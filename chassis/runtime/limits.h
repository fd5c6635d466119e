/* How often callers of an API may ask: its settings, and the limits that they ask for. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/http/limits.h"

typedef struct {
    int64_t reads_per_second; /* 0: no limit */
    int64_t reads_burst;
    int64_t writes_per_second;
    int64_t writes_burst;
    int by_address; /* 0: off, 1: on */
} ChLimitSettings;

/* clang-format off */
#define CH_LIMIT_KEYS(type, field)                                                                 \
    CH_CONFIG_KEY("LIMIT_READS_PER_SECOND", CH_CONFIG_LIMIT, type, field.reads_per_second, "50",   \
                  "how many requests that read a caller without the scope limits:none may send a second", NULL), \
    CH_CONFIG_KEY("LIMIT_READS_BURST", CH_CONFIG_COUNT, type, field.reads_burst, "100",            \
                  "how many of them at once after a rest", NULL),                                  \
    CH_CONFIG_KEY("LIMIT_WRITES_PER_SECOND", CH_CONFIG_LIMIT, type, field.writes_per_second, "10", \
                  "how many requests that write such a caller may send a second", NULL),           \
    CH_CONFIG_KEY("LIMIT_WRITES_BURST", CH_CONFIG_COUNT, type, field.writes_burst, "50",           \
                  "how many of them at once after a rest", NULL),                                  \
    CH_CONFIG_KEY("LIMIT_BY_ADDRESS", CH_CONFIG_CHOICE, type, field.by_address, "off",             \
                  "whether these limits hold for each address while authentication is off", "off|on")
/* clang-format on */

/** Whether the numbers can be kept to. Errors: CONFIG. */
CH_MUST_CHECK bool ch_limits_check(const ChLimitSettings *settings, GError **error);

/** As settings that were checked want them. */
ChHttpLimits *ch_limits_new(const ChLimitSettings *settings);
