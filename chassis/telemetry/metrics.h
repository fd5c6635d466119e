/* Metrics, declared where they are counted, and their text for Prometheus.
 *
 *     CH_COUNTER(published, "cartwheel_outbox_published_total", "events published", "queue");
 *     CH_COUNTER(calls, "cartwheel_http_client_calls_total", "calls", "server", "outcome");
 *     ...
 *     ch_metric_add(ch_metric(&published, "orders"), n);
 *     ch_metric_add(ch_metric2(&calls, "customers", "ok"), 1);
 *
 * Names and labels are constants or come from configuration, never from input. Any thread may
 * count. */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
    CH_METRIC_MAX_BUCKETS = 20,
    CH_METRIC_MAX_LABELS = 2,
    CH_METRIC_MAX_SERIES = 512, /* of one family, more than 64 routes have with all classes of
                                 * answers; later label values share the series "other" */
};

typedef enum {
    CH_METRIC_COUNTER,
    CH_METRIC_GAUGE,
    CH_METRIC_HISTOGRAM
} ChMetricKind;

typedef enum {
    CH_BUCKETS_NONE,
    CH_BUCKETS_SECONDS, /* 0.0005 to 10 */
    CH_BUCKETS_SIZE,    /* 1 to 4096 in powers of two */
} ChMetricBuckets;

/** One series: a family with a value for each of its labels. Lives for ever. */
typedef struct ChMetric ChMetric;

typedef struct ChMetricFamily {
    const char *name;
    const char *help;
    ChMetricKind kind;
    ChMetricBuckets buckets;
    const char *labels[CH_METRIC_MAX_LABELS]; /* names; NULL: no further one */
    _Atomic(ChMetric *) series;               /* list, newest first */
    struct ChMetricFamily *next;              /* the registry's list */
} ChMetricFamily;

/* Each declares a static family `variable` and registers it before main(). @label: NULL for none;
 * counters and gauges may have two, one after the other.
 */
#define CH_COUNTER(variable, name, help, ...)                                                      \
    CH_METRIC_DECLARE(variable, name, help, CH_METRIC_COUNTER, CH_BUCKETS_NONE, __VA_ARGS__)
#define CH_GAUGE(variable, name, help, ...)                                                        \
    CH_METRIC_DECLARE(variable, name, help, CH_METRIC_GAUGE, CH_BUCKETS_NONE, __VA_ARGS__)
#define CH_HISTOGRAM(variable, name, help, label, buckets)                                         \
    CH_METRIC_DECLARE(variable, name, help, CH_METRIC_HISTOGRAM, buckets, label)

#define CH_METRIC_DECLARE(variable, name, help, kind, buckets, ...)                                \
    static ChMetricFamily variable;                                                                \
    __attribute__((constructor)) static void variable##_register(void)                             \
    {                                                                                              \
        ch_metric_register(&variable);                                                             \
    }                                                                                              \
    static ChMetricFamily variable = { name, help, kind, buckets, { __VA_ARGS__ }, NULL, NULL }

/** Used by the macros. */
void ch_metric_register(ChMetricFamily *family);

/** The series of @family with @label_value (copied; NULL for a family without label), made at first
 * use. Keep the pointer where it is counted often. */
ChMetric *ch_metric(ChMetricFamily *family, const char *label_value);

/** The same of a family with two labels. */
ChMetric *ch_metric2(ChMetricFamily *family, const char *first_value, const char *second_value);

/** Counter: n or 0 more. Gauge: also fewer. */
void ch_metric_add(ChMetric *metric, int64_t n);

/** Gauge. */
void ch_metric_set(ChMetric *metric, double value);

/** Histogram: seconds, or a size. */
void ch_metric_observe(ChMetric *metric, double value);

/** Histogram: the seconds since @start_us (ch_time_monotonic_us). */
void ch_metric_observe_since(ChMetric *metric, int64_t start_us);

/** All families in Prometheus' text format 0.0.4, sorted by name, with the process's own
 * (process_resident_memory_bytes, process_cpu_seconds_total, ...). Free with g_string_free(). */
GString *ch_metrics_render(void);
