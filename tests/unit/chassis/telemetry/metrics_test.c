/* Metrics: their text, and counting from many threads. */
#include "chassis/telemetry/metrics.h"

#include "chassis/core/time.h"

#include <string.h>

CH_COUNTER(plain, "test_b_total", "counts \\ with\nlines", NULL);
CH_COUNTER(labelled, "test_a_total", "by colour", "colour");

CH_COUNTER(twice, "test_twice_total", "by colour and size", "colour", "size");
CH_GAUGE(gauge, "test_c", "a level", NULL);
CH_HISTOGRAM(sizes, "test_sizes", "sizes", "queue", CH_BUCKETS_SIZE);
CH_HISTOGRAM(seconds, "test_seconds", "durations", NULL, CH_BUCKETS_SECONDS);
CH_COUNTER(crowded, "test_crowded_total", "too many labels", "n");

static void assert_text(const char *expected, bool there)
{
    GString *text = ch_metrics_render();
    g_test_message("%s", expected);
    g_assert_true((strstr(text->str, expected) != NULL) == there);
    g_string_free(text, TRUE);
}

static void test_text(void)
{
    assert_text("# HELP test_b_total counts \\\\ with\\nlines\n# TYPE test_b_total counter\n"
                "test_b_total 0\n",
                true);
    assert_text("test_a_total", false); /* no colour seen yet */
    ch_metric_add(ch_metric(&plain, NULL), 2);
    ch_metric_add(ch_metric(&labelled, "red"), 3);
    ch_metric_add(ch_metric(&labelled, "\"b\\l\nue"), 1);
    ch_metric_add(ch_metric(&labelled, "red"), 1);
    ch_metric_set(ch_metric(&gauge, NULL), 2.5);
    ch_metric_add(ch_metric(&gauge, NULL), -1);
    assert_text("\ntest_b_total 2\n", true);
    assert_text("# TYPE test_a_total counter\ntest_a_total{colour=\"\\\"b\\\\l\\nue\"} 1\n"
                "test_a_total{colour=\"red\"} 4\n# HELP test_b_total",
                true);
    assert_text("# TYPE test_c gauge\ntest_c 1.5\n", true);
}

static void test_two_labels(void)
{
    ch_metric_add(ch_metric2(&twice, "red", "small"), 1);
    ch_metric_add(ch_metric2(&twice, "blue", "small"), 2);
    ch_metric_add(ch_metric2(&twice, "red", "large"), 3);
    ch_metric_add(ch_metric2(&twice, "red", "small"), 4);
    assert_text("# TYPE test_twice_total counter\n"
                "test_twice_total{colour=\"blue\",size=\"small\"} 2\n"
                "test_twice_total{colour=\"red\",size=\"large\"} 3\n"
                "test_twice_total{colour=\"red\",size=\"small\"} 5\n",
                true);
    char value[16];
    for (int i = 0; i < CH_METRIC_MAX_SERIES; i++) {
        g_snprintf(value, sizeof value, "%d", i);
        ch_metric_add(ch_metric2(&twice, value, "small"), 1);
    }
    assert_text("test_twice_total{colour=\"other\",size=\"other\"} 3\n", true);
}

static void test_histograms(void)
{
    ch_metric_observe(ch_metric(&sizes, "q"), 1);
    ch_metric_observe(ch_metric(&sizes, "q"), 3);
    ch_metric_observe(ch_metric(&sizes, "q"), 5000);
    assert_text("test_sizes_bucket{queue=\"q\",le=\"1\"} 1\n"
                "test_sizes_bucket{queue=\"q\",le=\"2\"} 1\n"
                "test_sizes_bucket{queue=\"q\",le=\"4\"} 2\n",
                true);
    assert_text("test_sizes_bucket{queue=\"q\",le=\"4096\"} 2\n"
                "test_sizes_bucket{queue=\"q\",le=\"+Inf\"} 3\n"
                "test_sizes_sum{queue=\"q\"} 5004\ntest_sizes_count{queue=\"q\"} 3\n",
                true);
    ch_metric_observe(ch_metric(&seconds, NULL), 0.0004);
    ch_metric_observe_since(ch_metric(&seconds, NULL), ch_time_monotonic_us() - 20 * 1000000);
    assert_text("test_seconds_bucket{le=\"0.0005\"} 1\n", true);
    assert_text("test_seconds_bucket{le=\"10\"} 1\ntest_seconds_bucket{le=\"+Inf\"} 2\n", true);
}

static void test_process(void)
{
    assert_text("\nprocess_resident_memory_bytes ", true);
    assert_text("\nprocess_cpu_seconds_total ", true);
    assert_text("\nprocess_open_fds ", true);
    assert_text("\nprocess_start_time_seconds ", true);
    GString *text = ch_metrics_render();
    const char *started = strstr(text->str, "\nprocess_start_time_seconds ");
    double age = (double)ch_time_now_us() / 1e6 - g_ascii_strtod(strchr(started, ' '), NULL);
    g_assert_cmpfloat(age, >, -2);
    g_assert_cmpfloat(age, <, 600);
    g_string_free(text, TRUE);
}

static void test_too_many_series_share_one(void)
{
    for (int i = 0; i < CH_METRIC_MAX_SERIES + 10; i++) {
        g_autofree char *value = g_strdup_printf("%d", i);
        ch_metric_add(ch_metric(&crowded, value), 1);
    }
    assert_text("test_crowded_total{n=\"other\"} 10\n", true);
}

enum {
    THREADS = 4,
    ROUNDS = 10000
};

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        static const char *const colours[] = { "one", "two", "three" };
        ch_metric_add(ch_metric(&labelled, colours[i % 3]), 1);
        ch_metric_add(ch_metric(&gauge, NULL), 1);
        ch_metric_observe(ch_metric(&seconds, NULL), 0.001);
    }
    return NULL;
}

static void test_any_thread(void)
{
    ch_metric_set(ch_metric(&gauge, NULL), 0);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, count, NULL), ==, 0);
    for (int i = 0; i < 10; i++)
        g_string_free(ch_metrics_render(), TRUE);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_text("\ntest_c 40000\n", true);
    assert_text("\ntest_a_total{colour=\"one\"} 13336\n", true);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/text", test_text);
    g_test_add_func("/metrics/two-labels", test_two_labels);
    g_test_add_func("/metrics/histograms", test_histograms);
    g_test_add_func("/metrics/process", test_process);
    g_test_add_func("/metrics/too-many-series-share-one", test_too_many_series_share_one);
    g_test_add_func("/metrics/any-thread", test_any_thread);
    return g_test_run();
}
