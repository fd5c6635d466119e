/* From OpenTelemetry's settings to ours. */
#include "chassis/runtime/traces.h"

#include "chassis/core/trace.h"

/* As CH_TRACES_SAMPLERS names them. */
static const struct {
    bool follows_parent;
    double share; /* below 0: OTEL_TRACES_SAMPLER_ARG */
} samplers[] = {
    { true, -1 }, { true, 1 }, { true, 0 }, { false, -1 }, { false, 1 }, { false, 0 }
};

static bool read_share(const char *text, double *share)
{
    char *end = NULL;
    *share = g_ascii_strtod(text, &end);
    return end != text && *end == '\0' && *share >= 0 && *share <= 1;
}

bool ch_traces_check(const ChTraceSettings *settings, GError **error)
{
    double share = 0;
    if (read_share(settings->sampler_share, &share))
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1");
    return false;
}

void ch_traces_sample(const ChTraceSettings *settings)
{
    double share = samplers[settings->sampler].share;
    bool right = share >= 0 || read_share(settings->sampler_share, &share);
    g_assert(right);
    ch_trace_set_sampler(samplers[settings->sampler].follows_parent, share);
}
