/* Traces of a process: which are sampled. */
#pragma once

#include "chassis/core/config.h"

/** OpenTelemetry's own settings, by their own names and in their own units. */
typedef struct {
    int sampler; /* of CH_TRACES_SAMPLERS */
    char *sampler_share;
} ChTraceSettings;

#define CH_TRACES_SAMPLERS                                                                         \
    "parentbased_traceidratio|parentbased_always_on|parentbased_always_off|traceidratio|"          \
    "always_on|always_off"

/* clang-format off */
#define CH_TRACES_KEYS(type, field)                                                                \
    CH_CONFIG_KEY("OTEL_TRACES_SAMPLER", CH_CONFIG_CHOICE, type, field.sampler,                    \
                  "parentbased_traceidratio",                                                      \
                  "which traces are sampled; parentbased: others' choice for theirs counts",       \
                  CH_TRACES_SAMPLERS),                                                             \
    CH_CONFIG_KEY("OTEL_TRACES_SAMPLER_ARG", CH_CONFIG_TEXT, type, field.sampler_share, "0.01",    \
                  "share of the traces that a traceidratio samples, 0 to 1", NULL)
/* clang-format on */

/** Whether the settings are right. Errors: CONFIG. */
CH_MUST_CHECK bool ch_traces_check(const ChTraceSettings *settings, GError **error);

/** Sets the sampler of the process. Before any thread starts; @settings were checked. */
void ch_traces_sample(const ChTraceSettings *settings);
