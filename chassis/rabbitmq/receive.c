/* Taking what has come without waiting for it. */
#include "chassis/rabbitmq/receive.h"

#include "chassis/rabbitmq/envelope.h"
#include "chassis/rabbitmq/unread.h"

/* The library has read what precedes the message, and left its tag in the envelope. */
static ChDelivery *unreadable_delivery(uint64_t connection_number, uint64_t tag)
{
    ChDelivery *delivery = g_new0(ChDelivery, 1);
    delivery->tag = tag;
    delivery->connection = connection_number;
    delivery->unreadable = true;
    delivery->delivery_count = 1; /* nobody knows: it is no sign that all is well */
    return delivery;
}

bool ch_receive(amqp_connection_state_t connection, uint64_t connection_number,
                ChDelivery **delivery, bool *unreadable, GError **error)
{
    *delivery = NULL;
    for (;;) {
        struct timeval none = { 0, 0 };
        amqp_envelope_t envelope;
        amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, &none, 0);
        if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
            *delivery = ch_delivery_from(&envelope, connection_number);
            amqp_destroy_envelope(&envelope);
            return true;
        }
        if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
            reply.library_error == AMQP_STATUS_TIMEOUT)
            return true;
        *unreadable = ch_unread_is(reply);
        if (*unreadable && envelope.delivery_tag != 0) {
            *delivery = unreadable_delivery(connection_number, envelope.delivery_tag);
            return true;
        }
        if (reply.reply_type != AMQP_RESPONSE_LIBRARY_EXCEPTION ||
            reply.library_error != AMQP_STATUS_UNEXPECTED_STATE)
            return ch_amqp_check(reply, "receive", error);
        /* Another frame stands first; left there it would be found for ever. */
        amqp_frame_t frame;
        if (!ch_amqp_check_status(amqp_simple_wait_frame(connection, &frame), "receive", error) ||
            !ch_amqp_check_frame(&frame, "receive", error))
            return false;
    }
}
