/* Reading what a message carries; a foreign sender may have written anything. */
#include "chassis/rabbitmq/envelope.h"

#include "chassis/rabbitmq/queue.h"

#include <glib.h>
#include <string.h>

enum {
    MAX_HEADER_BYTES = 1024, /* of a header that we keep */
    MAX_TABLES = 1024,       /* that are counted */
    MAX_SHORT_BYTES = 255,   /* of a property: an AMQP short string, which we may send on */
};

/* A copy as valid UTF-8 without zeros, at most @max bytes. Made valid it may grow. */
static char *copy_text(amqp_bytes_t bytes, size_t max)
{
    /* The library gives an empty text as a NULL pointer. */
    g_autofree char *text = g_strndup(bytes.len > 0 ? bytes.bytes : "", MIN(bytes.len, max));
    char *valid = g_utf8_make_valid(text, -1);
    if (strlen(valid) > max)
        *g_utf8_find_prev_char(valid, valid + max + 1) = '\0';
    return valid;
}

static const amqp_field_value_t *find_header(const amqp_table_t *headers, const char *name)
{
    for (int i = 0; i < headers->num_entries; i++) {
        amqp_bytes_t key = headers->entries[i].key;
        if (key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0)
            return &headers->entries[i].value;
    }
    return NULL;
}

static char *text_header(const amqp_table_t *headers, const char *name)
{
    const amqp_field_value_t *value = find_header(headers, name);
    if (value == NULL ||
        (value->kind != AMQP_FIELD_KIND_UTF8 && value->kind != AMQP_FIELD_KIND_BYTES))
        return NULL;
    return copy_text(value->value.bytes, MAX_HEADER_BYTES);
}

/* The broker picks the width by the value. Other kinds count as 0. */
static int64_t number_header(const amqp_table_t *headers, const char *name)
{
    const amqp_field_value_t *value = find_header(headers, name);
    if (value == NULL)
        return 0;
    switch ((int)value->kind) {
    case AMQP_FIELD_KIND_I8:
        return value->value.i8;
    case AMQP_FIELD_KIND_U8:
        return value->value.u8;
    case AMQP_FIELD_KIND_I16:
        return value->value.i16;
    case AMQP_FIELD_KIND_U16:
        return value->value.u16;
    case AMQP_FIELD_KIND_I32:
        return value->value.i32;
    case AMQP_FIELD_KIND_U32:
        return value->value.u32;
    case AMQP_FIELD_KIND_I64:
        return value->value.i64;
    case AMQP_FIELD_KIND_U64:
        return (int64_t)MIN(value->value.u64, (uint64_t)G_MAXINT64);
    default:
        return 0;
    }
}

/* A frame holds 17,000 tables in one another, and the library took them all; what counts is whether
 * there are many, so that looking ends there, and goes no deeper. */
static int count_tables(const amqp_field_value_t *value, int most)
{
    int n = 0;
    if (value->kind == AMQP_FIELD_KIND_TABLE) {
        const amqp_table_t *table = &value->value.table;
        for (int i = n++; i < table->num_entries && n < most; i++)
            n += count_tables(&table->entries[i].value, most - n);
    } else if (value->kind == AMQP_FIELD_KIND_ARRAY) {
        const amqp_array_t *array = &value->value.array;
        for (int i = n++; i < array->num_entries && n < most; i++)
            n += count_tables(&array->entries[i], most - n);
    }
    return n;
}

static void read_headers(const amqp_table_t *headers, ChDelivery *delivery)
{
    for (int i = 0; i < headers->num_entries && delivery->header_tables < MAX_TABLES; i++)
        delivery->header_tables +=
            count_tables(&headers->entries[i].value, MAX_TABLES - delivery->header_tables);
    delivery->traceparent = text_header(headers, "traceparent");
    delivery->failed_queue = text_header(headers, "x-failed-queue");
    delivery->error = text_header(headers, "x-error");
    delivery->dead_letter_id = text_header(headers, "x-dead-letter-id");
    delivery->death_reason = text_header(headers, "x-first-death-reason");
    int64_t retries = number_header(headers, "x-retry-count");
    int64_t deliveries = number_header(headers, "x-delivery-count");
    delivery->retry_count = (int)CLAMP(retries, 0, CH_RETRIES + 1);
    delivery->delivery_count = MAX(deliveries, 0);
}

/* "utf-8" and "identity" stand there often, and change nothing. */
static char *content_encoding(const amqp_basic_properties_t *properties)
{
    if ((properties->_flags & AMQP_BASIC_CONTENT_ENCODING_FLAG) == 0)
        return NULL;
    g_autofree char *text = copy_text(properties->content_encoding, MAX_SHORT_BYTES);
    if (*text == '\0' || g_ascii_strcasecmp(text, "utf-8") == 0 ||
        g_ascii_strcasecmp(text, "identity") == 0)
        return NULL;
    return g_steal_pointer(&text);
}

ChDelivery *ch_delivery_from(const amqp_envelope_t *envelope, uint64_t connection)
{
    const amqp_basic_properties_t *properties = &envelope->message.properties;
    ChDelivery *delivery = g_new0(ChDelivery, 1);
    delivery->tag = envelope->delivery_tag;
    delivery->connection = connection;
    delivery->body_bytes = envelope->message.body.len;
    delivery->body = g_memdup2(envelope->message.body.bytes, envelope->message.body.len);
    delivery->content_encoding = content_encoding(properties);
    delivery->routing_key = copy_text(envelope->routing_key, MAX_SHORT_BYTES);
    if ((properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0)
        delivery->message_id = copy_text(properties->message_id, MAX_SHORT_BYTES);
    if ((properties->_flags & AMQP_BASIC_TYPE_FLAG) != 0)
        delivery->type = copy_text(properties->type, MAX_SHORT_BYTES);
    if ((properties->_flags & AMQP_BASIC_HEADERS_FLAG) != 0)
        read_headers(&properties->headers, delivery);
    delivery->uncounted = delivery->delivery_count == 0 && envelope->redelivered != 0;
    if (delivery->uncounted)
        delivery->delivery_count = 1; /* a classic queue does not count */
    return delivery;
}
