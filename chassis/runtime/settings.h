/* The settings that every process has, whatever it does. */
#pragma once

#include "chassis/core/config.h"

/** The keys that every process has. Embed first in a process's struct, so that its offsets are
 * these. */
typedef struct {
    int log_level; /* ChLogLevel */
    int64_t shutdown_timeout_ms;
    char *database_url;
} ChConfigCommon;

/* A list of rows in a macro is beyond clang-format. */
/* clang-format off */
#define CH_CONFIG_COMMON_KEYS                                                                      \
    { "LOG_LEVEL", CH_CONFIG_CHOICE, offsetof(ChConfigCommon, log_level), "info",                  \
      "how much is logged", "error|warning|info|debug" },                                          \
    { "SHUTDOWN_TIMEOUT", CH_CONFIG_DURATION, offsetof(ChConfigCommon, shutdown_timeout_ms),       \
      "20s", "how long a stop may take to finish work in flight", NULL },                          \
    { "DATABASE_URL", CH_CONFIG_SECRET, offsetof(ChConfigCommon, database_url), NULL,              \
      "PostgreSQL, postgresql://role:password@host:port/database",                                              \
          "postgresql://|postgres://" }
/* clang-format on */
