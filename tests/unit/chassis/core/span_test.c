/* Spans: when there are any, what they hold, and what becomes of those that nobody takes. */
#include "chassis/core/span.h"

#include "chassis/core/time.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    WRITERS = 4,
    EACH = 2000,
};

static void count_call(void *calls)
{
    atomic_fetch_add((_Atomic int *)calls, 1);
}

static void end_one(ChTrace trace)
{
    ch_span_end(ch_span_begin(trace, CH_SPAN_INTERNAL, ch_time_now_us(), "step", NULL));
}

/* Drops what waits, and tells how many it were. */
static size_t take_all(void)
{
    ChSpan *spans[64];
    size_t all = 0;
    for (size_t n = 1; n > 0; all += n) {
        n = ch_spans_take(spans, G_N_ELEMENTS(spans));
        for (size_t i = 0; i < n; i++)
            ch_span_drop(spans[i]);
    }
    return all;
}

static void test_off_there_are_none(void)
{
    ChSpan *span = ch_span_begin(ch_trace_new(), CH_SPAN_SERVER, 1, "GET", "/");

    g_assert_null(span);
    ch_span_text(span, "key", "value");
    ch_span_number(span, "key", 1);
    ch_span_link(span, ch_trace_new());
    ch_span_fail(span, "why");
    ch_span_end(span);
    ch_span_drop(span);
}

static void test_only_what_is_sampled(void)
{
    _Atomic int calls = 0;
    ch_spans_start(count_call, &calls);

    end_one((ChTrace){ .flags = 1 }); /* no trace */
    end_one(ch_trace_continue("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
    end_one(ch_trace_continue("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));

    g_assert_cmpuint(take_all(), ==, 1);
    ch_spans_stop();
}

static void test_holds_what_it_was_told(void)
{
    _Atomic int calls = 0;
    ch_spans_start(count_call, &calls);
    ChTrace trace = ch_trace_new();
    ChSpan *begun = ch_span_begin(trace, CH_SPAN_CLIENT, 5, "GET", "/x");
    ch_span_text(begun, "text", "ends in half a character \xc3");
    ch_span_text(begun, "none", NULL);
    ch_span_number(begun, "number", -1);
    ch_span_link(begun, trace);
    ch_span_link(begun, (ChTrace){ .flags = 1 });
    ch_span_fail(begun, "why");
    ch_span_end(begun);

    ChSpan *span = NULL;
    g_assert_cmpuint(ch_spans_take(&span, 1), ==, 1);
    g_assert_cmpstr(span->name, ==, "GET /x");
    g_assert_cmpint(span->start_us, ==, 5);
    g_assert_cmpint(span->end_us, >, span->start_us);
    g_assert_cmpuint(span->attributes_n, ==, 2);
    g_assert_cmpstr(span->attributes[0].text, ==, "ends in half a character \xef\xbf\xbd");
    g_assert_cmpint(span->attributes[1].number, ==, -1);
    g_assert_cmpuint(span->links->len, ==, 1);
    g_assert_cmpstr(span->error, ==, "why");
    ch_span_drop(span);
    ch_spans_stop();
}

/* More than an ordinary span has room for; cut where they are too long, and valid in any case. */
static void test_keeps_texts_of_any_length(void)
{
    g_autofree char *full = g_strnfill(CH_SPAN_TEXT_BYTES, 'x');
    g_autofree char *longer = g_strconcat(full, "y", NULL);
    _Atomic int calls = 0;
    ch_spans_start(count_call, &calls);

    ChSpan *span = ch_span_begin(ch_trace_continue("00-0af7651916cd43dd8448eb211c80319c-"
                                                   "b7ad6b7169203331-01"),
                                 CH_SPAN_SERVER, 1, longer, longer);
    for (size_t i = 0; i < CH_SPAN_MAX_ATTRIBUTES; i++)
        ch_span_text(span, "key", i == 2 ? "a\xff" : longer);
    ch_span_fail(span, "short");
    ch_span_fail(span, longer);

    g_assert_cmpstr(span->name, ==, full);
    g_assert_cmpuint(span->attributes_n, ==, CH_SPAN_MAX_ATTRIBUTES);
    for (size_t i = 0; i < CH_SPAN_MAX_ATTRIBUTES; i++)
        g_assert_cmpstr(span->attributes[i].text, ==, i == 2 ? "a\uFFFD" : full);
    g_assert_cmpstr(span->error, ==, full);
    ch_span_drop(span);
    ch_spans_stop();
}

static void test_is_bounded(void)
{
    _Atomic int calls = 0;
    ch_spans_start(count_call, &calls);
    ChTrace trace = ch_trace_new();
    ChSpan *span = ch_span_begin(trace, CH_SPAN_INTERNAL, 1, "batch", NULL);
    for (int i = 0; i < CH_SPAN_MAX_LINKS + 1; i++)
        ch_span_link(span, trace);
    for (int i = 0; i < CH_SPAN_MAX_ATTRIBUTES + 1; i++)
        ch_span_number(span, "number", i);

    g_assert_cmpuint(span->links->len, ==, CH_SPAN_MAX_LINKS);
    g_assert_cmpuint(span->attributes_n, ==, CH_SPAN_MAX_ATTRIBUTES);
    ch_span_drop(span);
    for (int i = 0; i < CH_SPAN_QUEUE + 3; i++)
        end_one(trace);
    g_assert_cmpint(ch_spans_take_dropped(), ==, 3);
    g_assert_cmpint(ch_spans_take_dropped(), ==, 0);
    g_assert_cmpint(atomic_load(&calls), ==, 1);
    g_assert_cmpuint(take_all(), ==, CH_SPAN_QUEUE);
    end_one(trace); /* there is room again */
    g_assert_cmpuint(take_all(), ==, 1);
    ch_spans_stop();
}

static void *write_spans(void *trace)
{
    for (int i = 0; i < EACH; i++)
        end_one(*(const ChTrace *)trace);
    return NULL;
}

static void test_many_write_while_one_reads(void)
{
    _Atomic int calls = 0;
    pthread_t writers[WRITERS];
    ChTrace trace = ch_trace_new();
    ch_spans_start(count_call, &calls);
    for (int i = 0; i < WRITERS; i++)
        g_assert_cmpint(pthread_create(&writers[i], NULL, write_spans, &trace), ==, 0);
    size_t taken = 0;
    for (int i = 0; i < EACH; i++)
        taken += take_all();
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    taken += take_all();

    g_assert_cmpint((int64_t)taken + ch_spans_take_dropped(), ==, WRITERS * EACH);
    ch_spans_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/span/off-there-are-none", test_off_there_are_none);
    g_test_add_func("/span/only-what-is-sampled", test_only_what_is_sampled);
    g_test_add_func("/span/holds-what-it-was-told", test_holds_what_it_was_told);
    g_test_add_func("/span/keeps-texts-of-any-length", test_keeps_texts_of_any_length);
    g_test_add_func("/span/is-bounded", test_is_bounded);
    g_test_add_func("/span/many-write-while-one-reads", test_many_write_while_one_reads);
    return g_test_run();
}
