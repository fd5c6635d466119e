/* From OpenTelemetry's settings to ours. */
#include "chassis/runtime/traces.h"

#include "chassis/core/lane_group.h"
#include "chassis/core/time.h"
#include "chassis/core/trace.h"
#include "chassis/http/percent.h"
#include "chassis/runtime/process.h"
#include "chassis/runtime/span_exporter.h"

#include <string.h>

enum {
    FLUSH_US = 2 * G_USEC_PER_SEC, /* a stop is not held up longer by a collector */
};

struct ChTraces {
    char *url;
    GPtrArray *headers;       /* owned texts, as is the next */
    GPtrArray *resource;      /* keys and values in turn, ended by NULL */
    ChSpanExporter *exporter; /* NULL: nothing is exported */
    ChLaneGroup *lanes;
};

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

/* Adds keys and decoded values of "key=value,key=value", in turn. False: it is not written so. */
static bool read_pairs(const char *text, GPtrArray *pairs)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    for (char **part = parts; *part != NULL; part++) {
        char *equals = strchr(*part, '=');
        if (equals == NULL)
            return false;
        *equals = '\0';
        char *value = g_strstrip(equals + 1);
        const char *key = g_strstrip(*part);
        if (*key == '\0' || strpbrk(key, " :\t") != NULL ||
            !ch_percent_decode(value, strlen(value), false, value, NULL))
            return false;
        g_ptr_array_add(pairs, g_strdup(key));
        g_ptr_array_add(pairs, g_strdup(value));
    }
    return true;
}

static bool check_pairs(const char *name, const char *text, GError **error)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
    if (read_pairs(text, pairs))
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                "%s: expected name=value,name=value with percent-encoded values", name);
    return false;
}

bool ch_traces_check(const ChTraceSettings *settings, GError **error)
{
    double share = 0;
    if (!check_pairs("OTEL_EXPORTER_OTLP_HEADERS", settings->headers, error) ||
        !check_pairs("OTEL_RESOURCE_ATTRIBUTES", settings->resource, error))
        return false;
    if (read_share(settings->sampler_share, &share))
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1");
    return false;
}

static void sample(const ChTraceSettings *settings)
{
    double share = samplers[settings->sampler].share;
    bool right = share >= 0 || read_share(settings->sampler_share, &share);
    g_assert(right);
    ch_trace_set_sampler(samplers[settings->sampler].follows_parent, share);
}

static GPtrArray *headers_of(const ChTraceSettings *settings)
{
    GPtrArray *headers = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
    bool right = read_pairs(settings->headers, pairs);
    g_assert(right);
    g_ptr_array_add(headers, g_strdup("Content-Type: application/x-protobuf"));
    for (guint i = 0; i < pairs->len; i += 2)
        g_ptr_array_add(headers, g_strconcat(pairs->pdata[i], ": ", pairs->pdata[i + 1], NULL));
    g_ptr_array_add(headers, NULL);
    return headers;
}

static GPtrArray *resource_of(const ChTraceSettings *settings, const char *process)
{
    const char *name = *settings->service_name != '\0' ? settings->service_name : process;
    GPtrArray *resource = g_ptr_array_new_with_free_func(g_free);
    const char *const own[] = { "service.name", name, "service.version", CARTWHEEL_VERSION };
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        g_ptr_array_add(resource, g_strdup(own[i]));
    bool right = read_pairs(settings->resource, resource);
    g_assert(right);
    g_ptr_array_add(resource, NULL);
    return resource;
}

static bool start_exporter(ChTraces *traces, const ChTraceSettings *settings, const char *process,
                           GError **error)
{
    bool ends_in_slash = g_str_has_suffix(settings->endpoint, "/");
    traces->url = g_strconcat(settings->endpoint, ends_in_slash ? "" : "/", "v1/traces", NULL);
    traces->headers = headers_of(settings);
    traces->resource = resource_of(settings, process);
    const ChSpanExporterConfig config = {
        .url = traces->url,
        .headers = (const char *const *)traces->headers->pdata,
        .resource = (const char *const *)traces->resource->pdata,
        .timeout_ms = settings->timeout_ms,
    };
    traces->exporter = ch_span_exporter_new(&config);
    const ChLaneConfig lane = ch_span_exporter_lane(traces->exporter);
    ch_lane_group_add(traces->lanes, &lane);
    return ch_lane_group_start(traces->lanes, error);
}

ChTraces *ch_traces_start(const ChTraceSettings *settings, const char *process, GError **error)
{
    g_autoptr(ChTraces) traces = g_new0(ChTraces, 1);
    traces->lanes = ch_lane_group_new();
    sample(settings);
    if (*settings->endpoint != '\0' && !start_exporter(traces, settings, process, error))
        return NULL;
    return g_steal_pointer(&traces);
}

void ch_traces_stop(ChTraces *traces, int64_t deadline_us)
{
    if (traces->exporter == NULL)
        return;
    deadline_us = MIN(deadline_us, ch_time_monotonic_us() + FLUSH_US);
    ch_span_exporter_hurry(traces->exporter);
    if (!ch_lane_group_stop(traces->lanes, deadline_us))
        ch_process_leave();
    ch_span_exporter_flush(traces->exporter, deadline_us);
}

static void free_texts(GPtrArray *texts)
{
    if (texts != NULL)
        g_ptr_array_unref(texts);
}

void ch_traces_free(ChTraces *traces)
{
    if (traces == NULL)
        return;
    if (traces->exporter != NULL)
        ch_span_exporter_hurry(traces->exporter);
    ch_lane_group_free(traces->lanes);
    ch_span_exporter_free(traces->exporter);
    free_texts(traces->headers);
    free_texts(traces->resource);
    g_free(traces->url);
    g_free(traces);
}
