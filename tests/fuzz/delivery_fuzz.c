/* AMQP properties and header tables, from the wire to a delivery and back. Input: the redelivered
 * flag, the length of the properties (two bytes), the properties as the wire has them (flags, then
 * values, the header table among them), the routing key, a zero byte, the body. */
#include "fuzz.h"

#include "chassis/rabbitmq/envelope.h"
#include "chassis/rabbitmq/properties.h"
#include "chassis/rabbitmq/queue.h"

#include <string.h>

enum {
    MAX_PROPERTY_BYTES = 255,
    MAX_HEADER_BYTES = 1024,
    MAX_WIRE_BYTES = 8192, /* of what we write: four headers and three properties */
    POOL_PAGE_BYTES = 4096,
};

static void check_text(const char *text, size_t max_bytes)
{
    if (text == NULL)
        return;
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpuint(strlen(text), <=, max_bytes);
}

static void check_limits(const ChDelivery *delivery)
{
    check_text(delivery->message_id, MAX_PROPERTY_BYTES);
    check_text(delivery->type, MAX_PROPERTY_BYTES);
    check_text(delivery->content_encoding, MAX_PROPERTY_BYTES);
    check_text(delivery->routing_key, MAX_PROPERTY_BYTES);
    check_text(delivery->traceparent, MAX_HEADER_BYTES);
    check_text(delivery->failed_queue, MAX_HEADER_BYTES);
    check_text(delivery->error, MAX_HEADER_BYTES);
    check_text(delivery->dead_letter_id, MAX_HEADER_BYTES);
    check_text(delivery->death_reason, MAX_HEADER_BYTES);
    g_assert_nonnull(delivery->routing_key);
    g_assert_true(delivery->retry_count >= 0 && delivery->retry_count <= CH_RETRIES + 1);
    g_assert_cmpint(delivery->delivery_count, >=, 0);
    g_assert_true(delivery->header_tables >= 0 && delivery->header_tables <= 1024);
}

/* A short text that is UTF-8 arrives as it was sent. */
static void check_same(const char *read, bool sent, amqp_bytes_t bytes, size_t max_bytes)
{
    if (!sent) {
        g_assert_null(read);
        return;
    }
    g_assert_nonnull(read);
    const char *text = bytes.len > 0 ? bytes.bytes : "";
    if (bytes.len <= max_bytes && g_utf8_validate_len(text, bytes.len, NULL))
        g_assert_cmpmem(read, strlen(read), text, bytes.len);
}

static void check_properties(const ChDelivery *delivery, const amqp_basic_properties_t *properties)
{
    check_same(delivery->message_id, (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0,
               properties->message_id, MAX_PROPERTY_BYTES);
    check_same(delivery->type, (properties->_flags & AMQP_BASIC_TYPE_FLAG) != 0, properties->type,
               MAX_PROPERTY_BYTES);
}

/* What a failed delivery is sent on as, is what the next consumer reads. */
static void check_sending_on(const ChDelivery *delivery)
{
    const ChMessage message = {
        .message_id = delivery->message_id,
        .type = delivery->type,
        .traceparent = delivery->traceparent,
        .failed_queue = delivery->failed_queue,
        .error = delivery->error,
        .dead_letter_id = delivery->dead_letter_id,
        .retry_count = delivery->retry_count,
    };
    amqp_table_entry_t headers[CH_MESSAGE_MAX_HEADERS];
    amqp_basic_properties_t properties;
    ch_message_properties(&message, "fuzz", headers, &properties);
    amqp_pool_t pool;
    init_amqp_pool(&pool, POOL_PAGE_BYTES);
    uint8_t wire[MAX_WIRE_BYTES];
    int n =
        amqp_encode_properties(AMQP_BASIC_CLASS, &properties, (amqp_bytes_t){ sizeof wire, wire });
    g_assert_cmpint(n, >, 0);
    void *decoded = NULL;
    g_assert_cmpint(amqp_decode_properties(AMQP_BASIC_CLASS, &pool,
                                           (amqp_bytes_t){ (size_t)n, wire }, &decoded),
                    ==, AMQP_STATUS_OK);
    const amqp_envelope_t envelope = { .message.properties = *(amqp_basic_properties_t *)decoded };
    ChDelivery *again = ch_delivery_from(&envelope, 1);
    g_assert_cmpstr(again->message_id, ==, delivery->message_id);
    g_assert_cmpstr(again->type, ==, delivery->type);
    g_assert_cmpstr(again->traceparent, ==, delivery->traceparent);
    g_assert_cmpstr(again->failed_queue, ==, delivery->failed_queue);
    g_assert_cmpstr(again->error, ==, delivery->error);
    g_assert_cmpstr(again->dead_letter_id, ==, delivery->dead_letter_id);
    g_assert_cmpint(again->retry_count, ==, delivery->retry_count);
    g_assert_cmpint(again->header_tables, ==, 0);
    ch_delivery_free(again);
    empty_amqp_pool(&pool);
}

static void check_delivery(amqp_envelope_t *envelope, FuzzInput *input)
{
    size_t n = 0;
    g_autofree char *routing_key = fuzz_text(input);
    g_autofree uint8_t *body = fuzz_rest(input, &n);
    envelope->routing_key = amqp_cstring_bytes(routing_key);
    envelope->message.body = (amqp_bytes_t){ n, body };
    ChDelivery *delivery = ch_delivery_from(envelope, 1);
    g_assert_cmpmem(delivery->body, delivery->body_bytes, body, n);
    g_assert_true(envelope->redelivered == 0 || delivery->delivery_count > 0);
    check_limits(delivery);
    check_same(delivery->routing_key, true, envelope->routing_key, MAX_PROPERTY_BYTES);
    check_properties(delivery, &envelope->message.properties);
    check_sending_on(delivery);
    ch_delivery_free(delivery);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    amqp_envelope_t envelope = { .redelivered = fuzz_byte(&input) & 1 };
    size_t length = (size_t)fuzz_byte(&input) << 8;
    length |= fuzz_byte(&input);
    length = MIN(length, input.left);
    g_autofree uint8_t *wire = malloc(length);
    fuzz_bytes(&input, wire, length);
    amqp_pool_t pool;
    init_amqp_pool(&pool, POOL_PAGE_BYTES);
    void *decoded = NULL;
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool, (amqp_bytes_t){ length, wire }, &decoded) ==
        AMQP_STATUS_OK) {
        envelope.message.properties = *(amqp_basic_properties_t *)decoded;
        check_delivery(&envelope, &input);
    }
    empty_amqp_pool(&pool);
    return 0;
}
