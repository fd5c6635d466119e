/* What a message carries beside its body; ch_delivery_from() reads it back. */
#include "chassis/rabbitmq/properties.h"

#include <glib.h>

enum {
    PERSISTENT = 2
};

static void add_header(amqp_table_t *table, const char *name, const char *value)
{
    if (value == NULL)
        return;
    amqp_table_entry_t *entry = &table->entries[table->num_entries++];
    entry->key = amqp_cstring_bytes(name);
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = amqp_cstring_bytes(value);
}

static void fill_headers(const ChMessage *message, amqp_table_t *table)
{
    add_header(table, "traceparent", message->traceparent);
    add_header(table, "x-failed-queue", message->failed_queue);
    add_header(table, "x-error", message->error);
    add_header(table, "x-dead-letter-id", message->dead_letter_id);
    if (message->retry_count == 0)
        return;
    amqp_table_entry_t *entry = &table->entries[table->num_entries++];
    entry->key = amqp_cstring_bytes("x-retry-count");
    entry->value.kind = AMQP_FIELD_KIND_I32;
    entry->value.value.i32 = message->retry_count;
}

void ch_message_properties(const ChMessage *message, const char *app_id,
                           amqp_table_entry_t headers[CH_MESSAGE_MAX_HEADERS],
                           amqp_basic_properties_t *properties)
{
    *properties = (amqp_basic_properties_t){
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_APP_ID_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = PERSISTENT,
        .app_id = amqp_cstring_bytes(app_id),
        .timestamp = (uint64_t)(message->created_us / G_USEC_PER_SEC),
        .headers = { .num_entries = 0, .entries = headers },
    };
    fill_headers(message, &properties->headers);
    if (message->message_id != NULL) {
        properties->_flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
        properties->message_id = amqp_cstring_bytes(message->message_id);
    }
    if (message->type != NULL) {
        properties->_flags |= AMQP_BASIC_TYPE_FLAG;
        properties->type = amqp_cstring_bytes(message->type);
    }
}
