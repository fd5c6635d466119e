/* Envelopes: what is tolerated when read, and what is written, to the letter. */
#include "chassis/messaging/event.h"

#include <string.h>

#define ID "0192f3a4-b5c6-7d8e-9f00-112233445566"
#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define TRACEPARENT "00-" TRACE_ID "-b7ad6b7169203331-01"

static ChEvent *must_parse(const char *body)
{
    g_autoptr(GError) error = NULL;
    ChEvent *event = ch_event_parse(body, strlen(body), NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(event);
    return event;
}

static void assert_id(const ChEvent *event)
{
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(event->id, id);
    g_assert_cmpstr(id, ==, ID);
}

/* The member OrderId of the data, which is a text in these tests. */
static const char *order_id(const ChEvent *event)
{
    return ch_json_text(ch_json_member(event->data, "OrderId"), NULL);
}

static void test_reads_the_envelope(void)
{
    g_autoptr(ChEvent) event =
        must_parse("{\"EventId\":\"" ID "\",\"EventType\":\"OrderCreatedEvent\","
                   "\"OccurredOn\":\"2026-11-22T10:47:00.123456Z\",\"Data\":{\"OrderId\":\"x\"}}");
    assert_id(event);
    g_assert_cmpstr(event->type, ==, "OrderCreatedEvent");
    g_assert_cmpstr(order_id(event), ==, "x");
    g_assert_null(event->inner);
}

static void test_an_announcement_has_an_id_of_its_own(void)
{
    static const char *const none[] = { "", "\"AnnouncementId\":7,", "\"AnnouncementId\":\"x\",",
                                        "\"AnnouncementId\":null," };
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        g_autofree char *body = g_strdup_printf("{%s\"EventId\":\"" ID "\",\"Data\":{}}", none[i]);
        g_autoptr(ChEvent) event = must_parse(body);
        g_assert_true(ch_uuid_equal(event->told_as, event->id));
    }
    ChUuid id = ch_uuid_new();
    ChUuid announcement = ch_uuid_new();
    GString *body = ch_event_begin_again(id, announcement, "T", 0);
    ch_event_end(body);
    g_autoptr(ChEvent) event = must_parse(body->str);
    g_string_free(body, TRUE);
    g_assert_true(ch_uuid_equal(event->id, id));
    g_assert_true(ch_uuid_equal(event->told_as, announcement));
}

static void test_tolerates(void)
{
    static const char *const bodies[] = {
        /* names in any case */
        "{\"eventid\":\"" ID "\",\"EVENTTYPE\":\"T\",\"data\":{\"ORDERID\":\"x\"}}",
        "{\"eventId\":\"" ID "\",\"eventType\":\"T\",\"data\":{\"orderId\":\"x\"}}",
        /* an id in upper case */
        "{\"EventId\":\"0192F3A4-B5C6-7D8E-9F00-112233445566\",\"EventType\":\"T\","
        "\"Data\":{\"OrderId\":\"x\"}}",
        /* unknown members of any kind, in any order */
        "{\"Data\":{\"Extra\":[1,{}],\"OrderId\":\"x\"},\"Version\":1.5e3,\"Meta\":{\"a\":null},"
        "\"EventType\":\"T\",\"EventId\":\"" ID "\",\"Tags\":[[]]}",
        /* no time, or a senseless one: nobody needs it */
        "{\"EventId\":\"" ID "\",\"EventType\":\"T\",\"OccurredOn\":7,"
        "\"Data\":{\"OrderId\":\"x\"}}",
        /* white space */
        " \r\n{ \"EventId\" : \"" ID "\" ,\t\"EventType\":\"T\", \"Data\":{\"OrderId\":\"x\"} }\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(ChEvent) event = must_parse(bodies[i]);
        assert_id(event);
        g_assert_cmpstr(event->type, ==, "T");
        g_assert_cmpstr(order_id(event), ==, "x");
    }
}

static void test_data_may_be_a_string(void)
{
    g_autoptr(ChEvent) event =
        must_parse("{\"EventId\":\"" ID "\",\"EventType\":\"T\","
                   "\"Data\":\"{\\\"OrderId\\\":\\\"caf\\u00e9 \\\\u20ac\\\"}\"}");
    g_assert_cmpstr(order_id(event), ==, "caf\xc3\xa9 \xe2\x82\xac");
    g_assert_nonnull(event->inner);
    assert_id(event);
}

static void test_type_may_be_missing(void)
{
    static const char *const bodies[] = {
        "{\"EventId\":\"" ID "\",\"Data\":{}}",
        "{\"EventId\":\"" ID "\",\"EventType\":null,\"Data\":{}}",
        "{\"EventId\":\"" ID "\",\"EventType\":7,\"Data\":{}}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(ChEvent) event = must_parse(bodies[i]);
        g_assert_null(event->type);
    }
}

static void assert_refused(const char *body, size_t bytes)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(ch_event_parse(body, bytes, NULL, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
    g_assert_true(g_str_has_prefix(error->message, "not an event: "));
}

static void test_refuses(void)
{
    static const char *const bodies[] = {
        "",
        " ",
        "null",
        "7",
        "\"text\"",
        "[]",
        "{}",
        "{",
        "not json",
        "{\"EventId\":\"" ID "\"}",
        "{\"Data\":{}}",
        "{\"EventId\":null,\"Data\":{}}",
        "{\"EventId\":7,\"Data\":{}}",
        "{\"EventId\":{},\"Data\":{}}",
        "{\"EventId\":\"\",\"Data\":{}}",
        "{\"EventId\":\"0192f3a4b5c67d8e9f00112233445566\",\"Data\":{}}",
        "{\"EventId\":\"" ID " \",\"Data\":{}}",
        "{\"EventId\":\"{" ID "}\",\"Data\":{}}",
        "{\"EventId\":\"00000000-0000-0000-0000-000000000000\",\"Data\":{}}", /* nil */
        "{\"EventId\":\"" ID "\",\"Data\":null}",
        "{\"EventId\":\"" ID "\",\"Data\":[]}",
        "{\"EventId\":\"" ID "\",\"Data\":7}",
        "{\"EventId\":\"" ID "\",\"Data\":\"\"}",
        "{\"EventId\":\"" ID "\",\"Data\":\"[]\"}",
        "{\"EventId\":\"" ID "\",\"Data\":\"{\"}",
        "{\"EventId\":\"" ID "\",\"Data\":\"not json\"}",
        "{\"EventId\":\"" ID "\",\"Data\":\"\\\"{}\\\"\"}",            /* a string in a string */
        "{\"EventId\":\"" ID "\",\"eventid\":\"" ID "\",\"Data\":{}}", /* which one? */
        "{\"EventId\":\"" ID "\",\"EventType\":\"T\",\"eventType\":\"U\",\"Data\":{}}",
        "{\"EventId\":\"" ID "\",\"Data\":{},\"data\":{}}",
        "{\"EventId\":\"" ID "\",\"Data\":\"{}\\u0000\"}",
        "{\"EventId\":\"" ID "\",\"Data\":{}} trailing",
        "\xef\xbb\xbf{\"EventId\":\"" ID "\",\"Data\":{}}x",
        "{\"EventId\":\"" ID "\",\"Data\":{\"a\":\"\xff\"}}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_test_message("body %zu", i);
        assert_refused(bodies[i], strlen(bodies[i]));
    }
    assert_refused(NULL, 0); /* a message without a body */
    static const char with_zero[] = "{\"EventId\":\"" ID "\",\"Data\":{}}";
    assert_refused(with_zero, sizeof with_zero);
}

/* Memory is bounded and freed whatever is cut off. */
static void test_every_beginning_is_refused(void)
{
    const char *body = "{\"EventId\":\"" ID "\",\"EventType\":\"T\",\"Data\":\"{\\\"a\\\":1}\"}";
    for (size_t bytes = 0; bytes < strlen(body); bytes++) {
        g_autofree char *cut = g_strndup(body, bytes);
        assert_refused(cut, bytes);
    }
    g_autoptr(ChEvent) event = must_parse(body);
    g_assert_nonnull(event);
}

/* ---- traces ---- */

static char *trace_of(const char *traceparent)
{
    const char *body = "{\"EventId\":\"" ID "\",\"Data\":{}}";
    g_autoptr(GError) error = NULL;
    g_autoptr(ChEvent) event = ch_event_parse(body, strlen(body), traceparent, &error);
    g_assert_no_error(error);
    g_assert_true(ch_trace_is_set(event->trace));
    char text[CH_TRACEPARENT_BYTES];
    ch_trace_format(event->trace, text);
    return g_strdup(text);
}

static void test_trace_is_a_child_of_the_senders(void)
{
    g_autofree char *trace = trace_of(TRACEPARENT);
    g_assert_true(g_str_has_prefix(trace, "00-" TRACE_ID "-"));
    g_assert_cmpstr(trace, !=, TRACEPARENT); /* a span of its own */
}

static void test_senseless_trace_becomes_a_new_one(void)
{
    static const char *const senseless[] = { NULL, "", "junk", "00-" TRACE_ID,
                                             "00-00000000000000000000000000000000-"
                                             "b7ad6b7169203331-01" };
    for (size_t i = 0; i < G_N_ELEMENTS(senseless); i++) {
        g_autofree char *one = trace_of(senseless[i]);
        g_autofree char *other = trace_of(senseless[i]);
        g_assert_cmpstr(one, !=, other);
        g_assert_null(strstr(one, TRACE_ID));
    }
}

/* ---- writing ---- */

static ChUuid event_id(void)
{
    ChUuid id = { { 0 } };
    g_assert_true(ch_uuid_parse(ID, strlen(ID), &id));
    return id;
}

static GString *write_event(void)
{
    GString *event = ch_event_begin(event_id(), "OrderConfirmedEvent", INT64_C(1795344420123456));
    ch_json_add_uuid(event, "OrderId", event_id());
    ch_json_add_decimal(event, "OrderTotal", 125000);
    ch_json_add_text(event, "Currency", "USD");
    ch_event_end(event);
    return event;
}

static void test_writes_what_the_contract_says(void)
{
    GString *event = write_event();
    g_assert_cmpstr(event->str, ==,
                    "{\"EventId\":\"" ID "\",\"EventType\":\"OrderConfirmedEvent\","
                    "\"OccurredOn\":\"2026-11-22T10:47:00.123456Z\","
                    "\"Data\":{\"Id\":\"" ID "\",\"OccurredOn\":\"2026-11-22T10:47:00.123456Z\","
                    "\"OrderId\":\"" ID "\",\"OrderTotal\":12.5,\"Currency\":\"USD\"}}");
    g_string_free(event, TRUE);
}

static void test_reads_what_it_writes(void)
{
    GString *body = write_event();
    g_autoptr(GError) error = NULL;
    g_autoptr(ChEvent) event = ch_event_parse(body->str, body->len, TRACEPARENT, &error);
    g_assert_no_error(error);
    assert_id(event);
    g_assert_cmpstr(event->type, ==, "OrderConfirmedEvent");
    g_assert_cmpuint(ch_json_length(event->data), ==, 5);
    g_string_free(body, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event/parse/reads-the-envelope", test_reads_the_envelope);
    g_test_add_func("/event/parse/an-announcement-has-an-id-of-its-own",
                    test_an_announcement_has_an_id_of_its_own);
    g_test_add_func("/event/parse/tolerates", test_tolerates);
    g_test_add_func("/event/parse/data-may-be-a-string", test_data_may_be_a_string);
    g_test_add_func("/event/parse/type-may-be-missing", test_type_may_be_missing);
    g_test_add_func("/event/parse/refuses", test_refuses);
    g_test_add_func("/event/parse/every-beginning-is-refused", test_every_beginning_is_refused);
    g_test_add_func("/event/trace/is-a-child-of-the-senders", test_trace_is_a_child_of_the_senders);
    g_test_add_func("/event/trace/senseless-becomes-new", test_senseless_trace_becomes_a_new_one);
    g_test_add_func("/event/write/what-the-contract-says", test_writes_what_the_contract_says);
    g_test_add_func("/event/write/reads-what-it-writes", test_reads_what_it_writes);
    return g_test_run();
}
