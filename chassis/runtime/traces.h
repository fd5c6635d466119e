/* Traces of a process: which are sampled, and where their spans go. */
#pragma once

#include "chassis/core/config.h"

/** OpenTelemetry's own settings, by their own names and in their own units. */
typedef struct {
    int sampler; /* of CH_TRACES_SAMPLERS */
    char *sampler_share;
    char *endpoint; /* "": spans are not recorded */
    char *headers;
    int64_t timeout_ms;
    char *service_name;
    char *resource;
} ChTraceSettings;

#define CH_TRACES_SAMPLERS                                                                         \
    "parentbased_traceidratio|parentbased_always_on|parentbased_always_off|traceidratio|"          \
    "always_on|always_off"

/* clang-format off */
#define CH_TRACES_KEYS(type, field)                                                                \
    CH_CONFIG_KEY("OTEL_EXPORTER_OTLP_ENDPOINT", CH_CONFIG_URL, type, field.endpoint, "",          \
                  "base URL of the collector that takes spans over OTLP/HTTP; empty: none do",     \
                  "http://|https://"),                                                             \
    CH_CONFIG_KEY("OTEL_EXPORTER_OTLP_HEADERS", CH_CONFIG_SECRET, type, field.headers, "",         \
                  "headers for it, name=value,name=value; percent-encoded", NULL),                 \
    CH_CONFIG_KEY("OTEL_EXPORTER_OTLP_TIMEOUT", CH_CONFIG_COUNT, type, field.timeout_ms, "10000",  \
                  "milliseconds that it has for an answer", NULL),                                 \
    CH_CONFIG_KEY("OTEL_SERVICE_NAME", CH_CONFIG_TEXT, type, field.service_name, "",               \
                  "what spans name as their service; empty: the name of the binary", NULL),        \
    CH_CONFIG_KEY("OTEL_RESOURCE_ATTRIBUTES", CH_CONFIG_TEXT, type, field.resource, "",            \
                  "what else they say of it, key=value,key=value; percent-encoded", NULL),         \
    CH_CONFIG_KEY("OTEL_TRACES_SAMPLER", CH_CONFIG_CHOICE, type, field.sampler,                    \
                  "parentbased_traceidratio",                                                      \
                  "which traces are sampled; parentbased: others' choice for theirs counts",       \
                  CH_TRACES_SAMPLERS),                                                             \
    CH_CONFIG_KEY("OTEL_TRACES_SAMPLER_ARG", CH_CONFIG_TEXT, type, field.sampler_share, "0.01",    \
                  "share of the traces that a traceidratio samples, 0 to 1", NULL)
/* clang-format on */

/** Whether the settings are right. Errors: CONFIG. */
CH_MUST_CHECK bool ch_traces_check(const ChTraceSettings *settings, GError **error);

typedef struct ChTraces ChTraces;

/** Sets the sampler of the process and, where there is a collector, starts the lane that sends
 * spans. Before any other thread starts. @settings, which were checked, and @process, its name, are
 * borrowed. Errors: CONFIG, UNAVAILABLE (no thread). */
CH_MUST_CHECK ChTraces *ch_traces_start(const ChTraceSettings *settings, const char *process,
                                        GError **error);

/** The lanes of the process have ended: sends what waits, within a moment and before @deadline_us
 * (ch_time_monotonic_us()). */
void ch_traces_stop(ChTraces *traces, int64_t deadline_us);

/** After all threads have ended. NULL is fine. */
void ch_traces_free(ChTraces *traces);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChTraces, ch_traces_free)
