/* Metrics: relaxed atomics in series that live for ever, rendered for Prometheus. */
#include "chassis/telemetry/metrics.h"

#include "chassis/core/time.h"
#include "chassis/telemetry/process_metrics.h"

#include <string.h>

/* Sums are kept in millionths, so that adding is one atomic step. */
static const double sum_per_unit = 1000000;

struct ChMetric {
    const ChMetricFamily *family;
    char *values[CH_METRIC_MAX_LABELS]; /* of the labels; NULL where there is none */
    ChMetric *next;
    _Atomic int64_t count; /* counter, or the gauge's double as its bits */
    _Atomic int64_t sum;   /* histogram, in millionths */
    _Atomic int64_t buckets[CH_METRIC_MAX_BUCKETS + 1]; /* not cumulated; the last: beyond all */
};

static const double seconds_bounds[] = { 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075,
                                         0.01,   0.015, 0.025, 0.05,  0.1,   0.25,
                                         0.5,    1,     2.5,   5,     10 };
static const double size_bounds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096 };
static const struct {
    const double *bounds;
    size_t n;
} bucket_sets[] = {
    [CH_BUCKETS_NONE] = { NULL, 0 },
    [CH_BUCKETS_SECONDS] = { seconds_bounds, G_N_ELEMENTS(seconds_bounds) },
    [CH_BUCKETS_SIZE] = { size_bounds, G_N_ELEMENTS(size_bounds) },
};
G_STATIC_ASSERT(G_N_ELEMENTS(seconds_bounds) <= CH_METRIC_MAX_BUCKETS);
G_STATIC_ASSERT(G_N_ELEMENTS(size_bounds) <= CH_METRIC_MAX_BUCKETS);

/* The registry: written by constructors before main() and read after, so it needs no lock. */
static ChMetricFamily *families;

/* Guards the making of series; finding one takes no lock. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

void ch_metric_register(ChMetricFamily *family)
{
    family->next = families;
    families = family;
}

/* ---- series ---- */

static bool has_values(const ChMetric *metric, const char *const *values)
{
    for (size_t i = 0; i < CH_METRIC_MAX_LABELS && values[i] != NULL; i++) {
        if (strcmp(metric->values[i], values[i]) != 0)
            return false;
    }
    return true;
}

static ChMetric *find_series(ChMetricFamily *family, const char *const *values)
{
    ChMetric *metric = atomic_load_explicit(&family->series, memory_order_acquire);
    while (metric != NULL && !has_values(metric, values))
        metric = metric->next;
    return metric;
}

static size_t count_series(ChMetricFamily *family)
{
    size_t n = 0;
    for (ChMetric *metric = atomic_load(&family->series); metric != NULL; metric = metric->next)
        n++;
    return n;
}

static ChMetric *make_series_locked(ChMetricFamily *family, const char *const *values)
{
    static const char *const others[CH_METRIC_MAX_LABELS][CH_METRIC_MAX_LABELS] = {
        { "other" }, { "other", "other" }
    };
    if (values[0] != NULL && count_series(family) >= CH_METRIC_MAX_SERIES)
        values = others[values[1] != NULL];
    ChMetric *metric = find_series(family, values);
    if (metric != NULL)
        return metric;
    metric = g_new0(ChMetric, 1);
    metric->family = family;
    for (size_t i = 0; i < CH_METRIC_MAX_LABELS; i++)
        metric->values[i] = g_strdup(values[i]);
    metric->next = atomic_load(&family->series);
    atomic_store_explicit(&family->series, metric, memory_order_release);
    return metric;
}

ChMetric *ch_metric2(ChMetricFamily *family, const char *first_value, const char *second_value)
{
    const char *values[CH_METRIC_MAX_LABELS] = { first_value, second_value };
    for (size_t i = 0; i < CH_METRIC_MAX_LABELS; i++)
        g_assert((family->labels[i] == NULL) == (values[i] == NULL));
    ChMetric *metric = find_series(family, values);
    if (metric != NULL)
        return metric;
    pthread_mutex_lock(&making);
    metric = make_series_locked(family, values);
    pthread_mutex_unlock(&making);
    return metric;
}

ChMetric *ch_metric(ChMetricFamily *family, const char *label_value)
{
    return ch_metric2(family, label_value, NULL);
}

/* ---- counting ---- */

static int64_t bits_of(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double double_of(int64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

void ch_metric_add(ChMetric *metric, int64_t n)
{
    if (metric->family->kind == CH_METRIC_COUNTER) {
        g_assert(n >= 0);
        atomic_fetch_add_explicit(&metric->count, n, memory_order_relaxed);
        return;
    }
    g_assert(metric->family->kind == CH_METRIC_GAUGE);
    int64_t old = atomic_load_explicit(&metric->count, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&metric->count, &old,
                                                  bits_of(double_of(old) + (double)n),
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

void ch_metric_set(ChMetric *metric, double value)
{
    g_assert(metric->family->kind == CH_METRIC_GAUGE);
    atomic_store_explicit(&metric->count, bits_of(value), memory_order_relaxed);
}

void ch_metric_observe(ChMetric *metric, double value)
{
    g_assert(metric->family->kind == CH_METRIC_HISTOGRAM);
    const double *bounds = bucket_sets[metric->family->buckets].bounds;
    size_t n = bucket_sets[metric->family->buckets].n;
    size_t i = 0;
    while (i < n && value > bounds[i])
        i++;
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->sum, (int64_t)(value * sum_per_unit + 0.5),
                              memory_order_relaxed);
}

void ch_metric_observe_since(ChMetric *metric, int64_t start_us)
{
    ch_metric_observe(metric, (double)(ch_time_monotonic_us() - start_us) / G_USEC_PER_SEC);
}

/* ---- text ---- */

static void append_double(GString *text, double value)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(text, g_ascii_formatd(digits, sizeof(digits), "%.15g", value));
}

/* Help texts and label values: backslash and newline, and the quote in the latter. */
static void append_escaped(GString *text, const char *value, bool quoted)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n')
            g_string_append(text, "\\n");
        else if (*c == '\\' || (quoted && *c == '"'))
            g_string_append_printf(text, "\\%c", *c);
        else
            g_string_append_c(text, *c);
    }
}

static void append_label(GString *text, bool first, const char *name, const char *value)
{
    g_string_append_printf(text, "%c%s=\"", first ? '{' : ',', name);
    append_escaped(text, value, true);
    g_string_append_c(text, '"');
}

/* name_suffix{label="value",le="bound"} and a space; le is left out when NULL. */
static void append_series(GString *text, const ChMetric *metric, const char *suffix, const char *le)
{
    const ChMetricFamily *family = metric->family;
    g_string_append(text, family->name);
    g_string_append(text, suffix);
    size_t n = 0;
    for (; n < CH_METRIC_MAX_LABELS && family->labels[n] != NULL; n++)
        append_label(text, n == 0, family->labels[n], metric->values[n]);
    if (le != NULL)
        append_label(text, n++ == 0, "le", le);
    g_string_append(text, n > 0 ? "} " : " ");
}

static void render_histogram(GString *text, ChMetric *metric)
{
    const double *bounds = bucket_sets[metric->family->buckets].bounds;
    size_t n = bucket_sets[metric->family->buckets].n;
    int64_t total = 0;
    for (size_t i = 0; i <= n; i++) {
        char le[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";
        if (i < n)
            g_ascii_formatd(le, sizeof(le), "%g", bounds[i]);
        total += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        append_series(text, metric, "_bucket", le);
        g_string_append_printf(text, "%" G_GINT64_FORMAT "\n", total);
    }
    append_series(text, metric, "_sum", NULL);
    int64_t sum = atomic_load_explicit(&metric->sum, memory_order_relaxed);
    append_double(text, (double)sum / sum_per_unit);
    g_string_append_c(text, '\n');
    append_series(text, metric, "_count", NULL);
    g_string_append_printf(text, "%" G_GINT64_FORMAT "\n", total);
}

static void render_series(GString *text, ChMetric *metric)
{
    int64_t count = atomic_load_explicit(&metric->count, memory_order_relaxed);
    switch (metric->family->kind) {
    case CH_METRIC_COUNTER:
        append_series(text, metric, "", NULL);
        g_string_append_printf(text, "%" G_GINT64_FORMAT "\n", count);
        return;
    case CH_METRIC_GAUGE:
        append_series(text, metric, "", NULL);
        append_double(text, double_of(count));
        g_string_append_c(text, '\n');
        return;
    case CH_METRIC_HISTOGRAM:
        render_histogram(text, metric);
        return;
    }
}

static int compare_series(const void *a, const void *b)
{
    const ChMetric *const *left = a;
    const ChMetric *const *right = b;
    int first = g_strcmp0((*left)->values[0], (*right)->values[0]);
    return first != 0 ? first : g_strcmp0((*left)->values[1], (*right)->values[1]);
}

static void render_family(GString *text, ChMetricFamily *family)
{
    static const char *const kinds[] = { [CH_METRIC_COUNTER] = "counter",
                                         [CH_METRIC_GAUGE] = "gauge",
                                         [CH_METRIC_HISTOGRAM] = "histogram" };
    if (family->labels[0] == NULL)
        ch_metric(family, NULL); /* there from the start, as 0 */
    g_autoptr(GPtrArray) series = g_ptr_array_new();
    ChMetric *metric = atomic_load_explicit(&family->series, memory_order_acquire);
    for (; metric != NULL; metric = metric->next)
        g_ptr_array_add(series, metric);
    if (series->len == 0)
        return;
    g_ptr_array_sort(series, compare_series);
    g_string_append_printf(text, "# HELP %s ", family->name);
    append_escaped(text, family->help, false);
    g_string_append_printf(text, "\n# TYPE %s %s\n", family->name, kinds[family->kind]);
    for (unsigned i = 0; i < series->len; i++)
        render_series(text, g_ptr_array_index(series, i));
}

static int compare_families(const void *a, const void *b)
{
    const ChMetricFamily *const *left = a;
    const ChMetricFamily *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

GString *ch_metrics_render(void)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (ChMetricFamily *family = families; family != NULL; family = family->next)
        g_ptr_array_add(sorted, family);
    g_ptr_array_sort(sorted, compare_families);
    GString *text = g_string_sized_new(8192);
    for (unsigned i = 0; i < sorted->len; i++)
        render_family(text, g_ptr_array_index(sorted, i));
    ch_process_metrics_render(text);
    return text;
}
