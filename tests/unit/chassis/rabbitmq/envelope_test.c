/* What is read of a message, whoever wrote it. */
#include "chassis/rabbitmq/envelope.h"
#include "chassis/rabbitmq/queue.h"

#include <glib.h>
#include <string.h>

enum {
    MAX_HEADERS = 8
};

typedef struct {
    amqp_envelope_t envelope;
    amqp_table_entry_t headers[MAX_HEADERS];
} Message;

static amqp_bytes_t bytes_of(const char *text)
{
    return (amqp_bytes_t){ strlen(text), (void *)text };
}

/* A message with a body and nothing else. */
static void set_up(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    m->envelope.delivery_tag = 42;
    m->envelope.routing_key = bytes_of("OrderCreatedEvent");
    m->envelope.message.body = bytes_of("{}");
}

static void tear_down(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    (void)m;
}

static amqp_field_value_t *add_header(Message *m, const char *name, int kind)
{
    amqp_table_t *table = &m->envelope.message.properties.headers;
    g_assert_cmpint(table->num_entries, <, MAX_HEADERS);
    m->envelope.message.properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    table->entries = m->headers;
    amqp_table_entry_t *entry = &m->headers[table->num_entries++];
    entry->key = bytes_of(name);
    entry->value.kind = (uint8_t)kind;
    return &entry->value;
}

static void add_text(Message *m, const char *name, const char *text)
{
    add_header(m, name, AMQP_FIELD_KIND_UTF8)->value.bytes = bytes_of(text);
}

static void set_message_id(Message *m, amqp_bytes_t id)
{
    m->envelope.message.properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
    m->envelope.message.properties.message_id = id;
}

static void set_type(Message *m, amqp_bytes_t type)
{
    m->envelope.message.properties._flags |= AMQP_BASIC_TYPE_FLAG;
    m->envelope.message.properties.type = type;
}

/* Frees it through autoptr. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChDelivery, ch_delivery_free)

static void test_body_alone_is_enough(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpuint(delivery->tag, ==, 42);
    g_assert_cmpuint(delivery->connection, ==, 7);
    g_assert_cmpuint(delivery->body_bytes, ==, 2);
    g_assert_cmpint(memcmp(delivery->body, "{}", 2), ==, 0);
    g_assert_cmpstr(delivery->routing_key, ==, "OrderCreatedEvent");
    g_assert_null(delivery->message_id);
    g_assert_null(delivery->type);
    g_assert_null(delivery->traceparent);
    g_assert_null(delivery->failed_queue);
    g_assert_null(delivery->error);
    g_assert_null(delivery->dead_letter_id);
    g_assert_null(delivery->death_reason);
    g_assert_cmpint(delivery->retry_count, ==, 0);
    g_assert_cmpint(delivery->delivery_count, ==, 0);
}

static void test_properties_and_headers(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    set_message_id(m, bytes_of("an id"));
    set_type(m, bytes_of("a type"));
    add_text(m, "traceparent", "00-trace");
    add_text(m, "x-failed-queue", "stock.ordercreated");
    add_text(m, "x-error", "why");
    add_text(m, "x-dead-letter-id", "the letter");
    add_text(m, "x-first-death-reason", "rejected");
    add_header(m, "x-retry-count", AMQP_FIELD_KIND_I32)->value.i32 = 1;
    add_header(m, "x-delivery-count", AMQP_FIELD_KIND_I64)->value.i64 = 9;
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpstr(delivery->message_id, ==, "an id");
    g_assert_cmpstr(delivery->type, ==, "a type");
    g_assert_cmpstr(delivery->traceparent, ==, "00-trace");
    g_assert_cmpstr(delivery->failed_queue, ==, "stock.ordercreated");
    g_assert_cmpstr(delivery->error, ==, "why");
    g_assert_cmpstr(delivery->dead_letter_id, ==, "the letter");
    g_assert_cmpstr(delivery->death_reason, ==, "rejected");
    g_assert_cmpint(delivery->retry_count, ==, 1);
    g_assert_cmpint(delivery->delivery_count, ==, 9);
}

static void test_an_encoding_counts_that_changes_the_bytes(Message *m,
                                                           gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const none[] = { "", "utf-8", "UTF-8", "identity" };
    amqp_basic_properties_t *properties = &m->envelope.message.properties;
    properties->_flags |= AMQP_BASIC_CONTENT_ENCODING_FLAG;
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        properties->content_encoding = bytes_of(none[i]);
        g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
        g_assert_null(delivery->content_encoding);
    }
    properties->content_encoding = bytes_of("gzip");
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpstr(delivery->content_encoding, ==, "gzip");
}

/* What stands behind an unset flag is left over from another message. */
static void test_flags_tell_what_is_there(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    set_message_id(m, bytes_of("an id"));
    set_type(m, bytes_of("a type"));
    add_text(m, "x-error", "why");
    m->envelope.message.properties._flags = 0;
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_null(delivery->message_id);
    g_assert_null(delivery->type);
    g_assert_null(delivery->error);
}

/* The library gives an empty text no bytes at all. */
static void test_empty_values(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    set_message_id(m, amqp_empty_bytes);
    set_type(m, amqp_empty_bytes);
    m->envelope.routing_key = amqp_empty_bytes;
    m->envelope.message.body = amqp_empty_bytes;
    add_header(m, "x-error", AMQP_FIELD_KIND_UTF8)->value.bytes = amqp_empty_bytes;
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpstr(delivery->message_id, ==, "");
    g_assert_cmpstr(delivery->type, ==, "");
    g_assert_cmpstr(delivery->routing_key, ==, "");
    g_assert_cmpstr(delivery->error, ==, "");
    g_assert_cmpuint(delivery->body_bytes, ==, 0);
}

/* ---- numbers ---- */

static int64_t delivery_count(Message *m)
{
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    return delivery->delivery_count;
}

static bool is_uncounted(Message *m)
{
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    return delivery->uncounted;
}

static int retry_count(Message *m)
{
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    return delivery->retry_count;
}

static void test_numbers_of_every_width(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    amqp_field_value_t *value = add_header(m, "x-delivery-count", AMQP_FIELD_KIND_I8);
    value->value.i8 = 100;
    g_assert_cmpint(delivery_count(m), ==, 100);
    value->kind = AMQP_FIELD_KIND_U8;
    value->value.u8 = 200;
    g_assert_cmpint(delivery_count(m), ==, 200);
    value->kind = AMQP_FIELD_KIND_I16;
    value->value.i16 = 30000;
    g_assert_cmpint(delivery_count(m), ==, 30000);
    value->kind = AMQP_FIELD_KIND_U16;
    value->value.u16 = 60000;
    g_assert_cmpint(delivery_count(m), ==, 60000);
    value->kind = AMQP_FIELD_KIND_I32;
    value->value.i32 = 2000000000;
    g_assert_cmpint(delivery_count(m), ==, 2000000000);
    value->kind = AMQP_FIELD_KIND_U32;
    value->value.u32 = 4000000000;
    g_assert_cmpint(delivery_count(m), ==, 4000000000);
    value->kind = AMQP_FIELD_KIND_I64;
    value->value.i64 = G_MAXINT64;
    g_assert_cmpint(delivery_count(m), ==, G_MAXINT64);
    value->kind = AMQP_FIELD_KIND_U64;
    value->value.u64 = G_MAXUINT64;
    g_assert_cmpint(delivery_count(m), ==, G_MAXINT64);
}

/* A count below zero would hide that a message was delivered before. */
static void test_counts_are_not_negative(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    add_header(m, "x-delivery-count", AMQP_FIELD_KIND_I64)->value.i64 = -5;
    g_assert_cmpint(delivery_count(m), ==, 0);
    m->envelope.redelivered = 1;
    g_assert_cmpint(delivery_count(m), ==, 1);
}

static void test_redelivery_counts_where_the_queue_does_not(Message *m,
                                                            gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_false(is_uncounted(m));
    m->envelope.redelivered = 1;
    g_assert_cmpint(delivery_count(m), ==, 1);
    g_assert_true(is_uncounted(m));
    add_header(m, "x-delivery-count", AMQP_FIELD_KIND_I32)->value.i32 = 3;
    g_assert_false(is_uncounted(m));
    g_assert_cmpint(delivery_count(m), ==, 3);
}

static void test_retry_count_stays_within_its_range(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        int64_t sent;
        int read;
    } cases[] = {
        { 0, 0 },
        { 1, 1 },
        { CH_RETRIES, CH_RETRIES },
        { CH_RETRIES + 1, CH_RETRIES + 1 }, /* of a dead letter: all its attempts */
        { CH_RETRIES + 2, CH_RETRIES + 1 },
        { -1, 0 },
        { G_MAXINT64, CH_RETRIES + 1 },
        { G_MININT64, 0 },
        { INT64_C(1) << 32, CH_RETRIES + 1 },
    };
    amqp_field_value_t *value = add_header(m, "x-retry-count", AMQP_FIELD_KIND_I64);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        value->value.i64 = cases[i].sent;
        g_assert_cmpint(retry_count(m), ==, cases[i].read);
    }
}

/* ---- junk ---- */

/* A value that would be a 1 or a text; a table or an array has nothing in it. */
static void fill(amqp_field_value_t *value, int kind)
{
    bool is_empty = kind == AMQP_FIELD_KIND_TABLE || kind == AMQP_FIELD_KIND_ARRAY;
    memset(&value->value, is_empty ? 0 : 0x01, sizeof value->value);
    value->kind = (uint8_t)kind;
}

static void test_other_kinds_are_no_numbers(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    static const int kinds[] = {
        AMQP_FIELD_KIND_BOOLEAN,
        AMQP_FIELD_KIND_F32,
        AMQP_FIELD_KIND_F64,
        AMQP_FIELD_KIND_DECIMAL,
        AMQP_FIELD_KIND_TABLE,
        AMQP_FIELD_KIND_ARRAY,
        AMQP_FIELD_KIND_VOID,
        AMQP_FIELD_KIND_UTF8,
        AMQP_FIELD_KIND_BYTES,
        AMQP_FIELD_KIND_TIMESTAMP,
        0,
        'z',
    };
    amqp_field_value_t *value = add_header(m, "x-retry-count", 0);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        fill(value, kinds[i]);
        g_assert_cmpint(retry_count(m), ==, 0);
    }
}

static void test_other_kinds_are_no_texts(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    static const int kinds[] = {
        AMQP_FIELD_KIND_BOOLEAN, AMQP_FIELD_KIND_I32,   AMQP_FIELD_KIND_I64,
        AMQP_FIELD_KIND_TABLE,   AMQP_FIELD_KIND_ARRAY, AMQP_FIELD_KIND_VOID,
    };
    amqp_field_value_t *value = add_header(m, "x-error", 0);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        fill(value, kinds[i]);
        g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
        g_assert_null(delivery->error);
    }
    value->kind = AMQP_FIELD_KIND_BYTES;
    value->value.bytes = bytes_of("why");
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpstr(delivery->error, ==, "why");
}

static void test_names_match_as_a_whole(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    add_text(m, "x-erro", "no");
    add_text(m, "x-error2", "no");
    add_text(m, "X-Error", "no");
    add_text(m, "", "no");
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_null(delivery->error);
}

static void test_texts_become_valid(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    set_message_id(m, (amqp_bytes_t){ 5, (void *)"ab\0cd" });
    set_type(m, (amqp_bytes_t){ 3, (void *)"a\xff"
                                           "b" });
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpstr(delivery->message_id, ==, "ab"); /* no zeros */
    g_assert_cmpstr(delivery->type, ==,
                    "a\xef\xbf\xbd"
                    "b");
}

/* Whatever is read must fit an AMQP short string again. */
static void check_length(Message *m, const char *unit, size_t units)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < units; i++)
        g_string_append(text, unit);
    set_message_id(m, (amqp_bytes_t){ MIN(text->len, 255), text->str });
    set_type(m, (amqp_bytes_t){ text->len, text->str });
    m->envelope.routing_key = (amqp_bytes_t){ text->len, text->str };
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    const char *const read[] = { delivery->message_id, delivery->type, delivery->routing_key };
    for (size_t i = 0; i < G_N_ELEMENTS(read); i++) {
        g_assert_cmpuint(strlen(read[i]), <=, 255);
        g_assert_cmpuint(strlen(read[i]), >=, MIN(text->len, 255 - 3));
        g_assert_true(g_utf8_validate(read[i], -1, NULL));
    }
}

static void test_properties_fit_a_short_string(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const units[] = {
        "x", "\xff", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\x9a", "x\xff", "\xc3"
    };
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        for (size_t n = 60; n <= 260; n++)
            check_length(m, units[i], n);
    }
}

static void test_long_headers_are_cut(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    enum {
        LONG = 100000,
        MAX_HEADER = 1024
    };
    g_autofree char *text = g_strnfill(LONG, 'x');
    g_autofree char *junk = g_strnfill(LONG, '\xff');
    add_text(m, "x-error", text);
    add_text(m, "x-failed-queue", junk);
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpuint(strlen(delivery->error), ==, MAX_HEADER);
    g_assert_cmpuint(strlen(delivery->failed_queue), <=, MAX_HEADER);
    g_assert_true(g_utf8_validate(delivery->failed_queue, -1, NULL));
}

static void test_bodies_are_kept_byte_by_byte(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    char body[256];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)i;
    m->envelope.message.body = (amqp_bytes_t){ sizeof body, body };
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpuint(delivery->body_bytes, ==, sizeof body);
    g_assert_cmpint(memcmp(delivery->body, body, sizeof body), ==, 0);
    g_assert_true((char *)delivery->body != body); /* a copy */
}

/* As many tables as levels, in one another. */
static int tables_of(int levels)
{
    Message m = { 0 };
    g_autofree amqp_table_entry_t *entries = g_new0(amqp_table_entry_t, (size_t)levels + 1);
    for (int i = 0; i < levels; i++) {
        entries[i].value.kind = AMQP_FIELD_KIND_TABLE;
        entries[i].value.value.table = (amqp_table_t){ i == levels - 1 ? 0 : 1, &entries[i + 1] };
    }
    set_up(&m, NULL);
    add_header(&m, "deep", AMQP_FIELD_KIND_TABLE)->value = entries[0].value.value;
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m.envelope, 7);
    return delivery->header_tables;
}

static void test_nested_tables_are_counted_up_to_a_limit(void)
{
    g_assert_cmpint(tables_of(1), ==, 1);
    g_assert_cmpint(tables_of(100), ==, 100);
    g_assert_cmpint(tables_of(17000), ==, 1024);
}

static void test_tables_in_arrays_count_too(Message *m, gconstpointer unused G_GNUC_UNUSED)
{
    amqp_field_value_t values[] = { { .kind = AMQP_FIELD_KIND_TABLE },
                                    { .kind = AMQP_FIELD_KIND_UTF8 } };
    add_header(m, "x-received-from", AMQP_FIELD_KIND_ARRAY)->value.array =
        (amqp_array_t){ G_N_ELEMENTS(values), values };
    add_text(m, "flat", "text");
    g_autoptr(ChDelivery) delivery = ch_delivery_from(&m->envelope, 7);
    g_assert_cmpint(delivery->header_tables, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/envelope/" name, Message, NULL, set_up, test, tear_down)
    ADD("body-alone-is-enough", test_body_alone_is_enough);
    ADD("properties-and-headers", test_properties_and_headers);
    ADD("an-encoding-counts-that-changes-the-bytes",
        test_an_encoding_counts_that_changes_the_bytes);
    ADD("flags-tell-what-is-there", test_flags_tell_what_is_there);
    ADD("empty-values", test_empty_values);
    ADD("bodies-are-kept-byte-by-byte", test_bodies_are_kept_byte_by_byte);
    ADD("numbers/of-every-width", test_numbers_of_every_width);
    ADD("numbers/counts-are-not-negative", test_counts_are_not_negative);
    ADD("numbers/redelivery-counts", test_redelivery_counts_where_the_queue_does_not);
    ADD("numbers/retry-count-stays-within-its-range", test_retry_count_stays_within_its_range);
    ADD("junk/other-kinds-are-no-numbers", test_other_kinds_are_no_numbers);
    ADD("junk/other-kinds-are-no-texts", test_other_kinds_are_no_texts);
    ADD("junk/names-match-as-a-whole", test_names_match_as_a_whole);
    ADD("junk/texts-become-valid", test_texts_become_valid);
    ADD("length/properties-fit-a-short-string", test_properties_fit_a_short_string);
    ADD("length/long-headers-are-cut", test_long_headers_are_cut);
    ADD("tables-in-arrays-count-too", test_tables_in_arrays_count_too);
#undef ADD
    g_test_add_func("/envelope/nested-tables-are-counted-up-to-a-limit",
                    test_nested_tables_are_counted_up_to_a_limit);
    return g_test_run();
}
