/* OTLP, byte by byte, as other people's encoders write it. */
#include "chassis/telemetry/otlp.h"

#include <string.h>

static void no_call(void *context G_GNUC_UNUSED)
{
}

/* The span that the bytes below tell of. Free with ch_span_drop(). */
static ChSpan *must_make_span(void)
{
    ChSpan *span = NULL;
    ChTrace trace = { .flags = 1 };
    memset(trace.trace_id, 0x11, sizeof trace.trace_id);
    memset(trace.span_id, 0x22, sizeof trace.span_id);
    memset(trace.parent_id, 0x33, sizeof trace.parent_id);
    ch_spans_start(no_call, NULL);
    span = ch_span_begin(trace, CH_SPAN_SERVER, 1, "GET", NULL);
    ch_span_text(span, "k", "v");
    ch_span_number(span, "n", 300);
    ch_span_link(span, trace);
    ch_span_fail(span, "no");
    span->end_us = 2;
    ch_spans_stop();
    return span;
}

static void test_request_byte_by_byte(void)
{
    static const char *const resource[] = { "service.name", "x", NULL };
    static const char head[] = "\x0a\x15\x0a\x13\x0a\x0cservice.name\x12\x03\x0a\x01x";
    static const char span_bytes[] =
        "\x0a\x10\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11" /* trace */
        "\x12\x08\x22\x22\x22\x22\x22\x22\x22\x22"                                 /* span */
        "\x22\x08\x33\x33\x33\x33\x33\x33\x33\x33"                                 /* parent */
        "\x2a\x03GET\x30\x02"                                                      /* name, kind */
        "\x39\xe8\x03\0\0\0\0\0\0\x41\xd0\x07\0\0\0\0\0\0"                         /* times */
        "\x4a\x08\x0a\x01k\x12\x03\x0a\x01v\x4a\x08\x0a\x01n\x12\x03\x18\xac\x02"  /* attributes */
        "\x6a\x21\x0a\x10\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
        "\x12\x08\x22\x22\x22\x22\x22\x22\x22\x22\x35\x01\0\0\0" /* link */
        "\x7a\x06\x12\x02no\x18\x02\x85\x01\x01\0\0\0";          /* status, flags */
    ChSpan *span = must_make_span();

    GString *request = ch_otlp_request(resource, &span, 1);

    /* ResourceSpans, of some 200 bytes, begins with a length of two bytes. */
    g_assert_cmpint((uint8_t)request->str[0], ==, 0x0a);
    size_t length = ((uint8_t)request->str[1] & 0x7fU) | (size_t)request->str[2] << 7;
    g_assert_cmpuint(length, ==, request->len - 3);
    g_assert_true(memcmp(request->str + 3, head, sizeof head - 1) == 0);
    size_t bytes = sizeof span_bytes - 1;
    g_assert_cmpuint(request->len, >, bytes);
    g_assert_true(memcmp(request->str + request->len - bytes, span_bytes, bytes) == 0);
    g_string_free(request, TRUE);
    ch_span_drop(span);
}

static void test_reads_how_many_were_rejected(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        int64_t rejected;
    } cases[] = {
        { "", 0, 0 },
        { "\x0a\x00", 2, 0 },
        { "\x0a\x02\x08\x07", 4, 7 },
        { "\x0a\x07\x08\xac\x02\x12\x02no", 9, 300 },
        { "\x12\x01x\x0a\x02\x08\x05", 7, 5 }, /* a field that nobody knows */
        { "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, 0 }, /* -1 */
        { "\x0a\x7f\x08\x07", 4, 0 },                                      /* longer than it is */
        { "\x0a\x02\x08\x80", 4, 0 },
        { "<html>no</html>", 15, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(ch_otlp_rejected(cases[i].bytes, cases[i].n), ==, cases[i].rejected);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/otlp/request/byte-by-byte", test_request_byte_by_byte);
    g_test_add_func("/otlp/rejected", test_reads_how_many_were_rejected);
    return g_test_run();
}
