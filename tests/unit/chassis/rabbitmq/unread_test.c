/* Which of the library's complaints are about a message. */
#include "chassis/rabbitmq/unread.h"

static amqp_rpc_reply_t failed_with(int library_error)
{
    return (amqp_rpc_reply_t){ .reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION,
                               .library_error = library_error };
}

static void test_a_message_that_cannot_be_read(void)
{
    g_assert_true(ch_unread_is(failed_with(AMQP_STATUS_BAD_AMQP_DATA)));
    g_assert_true(ch_unread_is(failed_with(AMQP_STATUS_INVALID_PARAMETER)));
}

static void test_a_lost_connection_is_none(void)
{
    static const int errors[] = { AMQP_STATUS_SOCKET_ERROR, AMQP_STATUS_CONNECTION_CLOSED,
                                  AMQP_STATUS_HEARTBEAT_TIMEOUT, AMQP_STATUS_TIMEOUT,
                                  AMQP_STATUS_UNEXPECTED_STATE };
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        g_assert_false(ch_unread_is(failed_with(errors[i])));
    amqp_rpc_reply_t closed = { .reply_type = AMQP_RESPONSE_SERVER_EXCEPTION };
    g_assert_false(ch_unread_is(closed));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/unread/a-message-that-cannot-be-read", test_a_message_that_cannot_be_read);
    g_test_add_func("/unread/a-lost-connection-is-none", test_a_lost_connection_is_none);
    return g_test_run();
}
