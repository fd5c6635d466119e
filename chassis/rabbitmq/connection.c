/* Opening a connection, and what its errors mean. */
#include "chassis/rabbitmq/connection.h"

#include "chassis/rabbitmq/connection_tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CONNECT_TIMEOUT_S = 3,
    RPC_TIMEOUT_S = 5,
    GOODBYE_TIMEOUT_S = 1,
    HEARTBEAT_S = 20, /* a dead broker is noticed within two of them */
    FRAME_BYTES = 128 * 1024,
    SEND_TIMEOUT_MS = 30000, /* bytes that the peer does not acknowledge end the connection */
};

bool ch_amqp_parse_url(char *copy, struct amqp_connection_info *info, GError **error)
{
    amqp_default_connection_info(info);
    if (amqp_parse_url(copy, info) == AMQP_STATUS_OK)
        return true;
    g_set_error_literal(error, CH_ERROR, CH_ERROR_CONFIG,
                        "AMQP_URL is not of the form amqp[s]://user:password@host:port/vhost");
    return false;
}

bool ch_amqp_check_status(int status, const char *doing, GError **error)
{
    if (status == AMQP_STATUS_OK)
        return true;
    const char *reason = ch_amqp_tls_reason(NULL, status);
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "broker: %s: %s%s%s", doing,
                amqp_error_string2(status), reason != NULL ? ": " : "",
                reason != NULL ? reason : "");
    return false;
}

/* Rights are our user's, so that what it may not do is no message's fault. */
static bool closed_channel(const amqp_channel_close_t *close, const char *doing, GError **error)
{
    int code = close->reply_code == AMQP_ACCESS_REFUSED ? CH_ERROR_UNAVAILABLE : CH_ERROR_FAILED;
    g_set_error(error, CH_ERROR, code, "broker: %s: %d %.*s", doing, close->reply_code,
                (int)close->reply_text.len, (const char *)close->reply_text.bytes);
    return false;
}

static bool closed_connection(const amqp_connection_close_t *close, const char *doing,
                              GError **error)
{
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "broker: %s: %d %.*s", doing,
                close->reply_code, (int)close->reply_text.len,
                (const char *)close->reply_text.bytes);
    return false;
}

static bool check_method(amqp_method_t method, const char *doing, GError **error)
{
    switch (method.id) {
    case AMQP_CHANNEL_CLOSE_METHOD:
        return closed_channel(method.decoded, doing, error);
    case AMQP_CONNECTION_CLOSE_METHOD:
        return closed_connection(method.decoded, doing, error);
    case AMQP_BASIC_CANCEL_METHOD:
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                    "broker: %s: the queue was deleted or moved", doing);
        return false;
    default:
        return true;
    }
}

bool ch_amqp_check(amqp_rpc_reply_t reply, const char *doing, GError **error)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return true;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return ch_amqp_check_status(reply.library_error, doing, error);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        if (!check_method(reply.reply, doing, error))
            return false;
        break;
    case AMQP_RESPONSE_NONE:
        break;
    }
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "broker: %s: no answer", doing);
    return false;
}

bool ch_amqp_check_frame(const amqp_frame_t *frame, const char *doing, GError **error)
{
    return frame->frame_type != AMQP_FRAME_METHOD ||
           check_method(frame->payload.method, doing, error);
}

static bool open_channel(amqp_connection_state_t connection, GError **error)
{
    amqp_channel_open(connection, CH_AMQP_CHANNEL);
    return ch_amqp_check(amqp_get_rpc_reply(connection), "open a channel", error);
}

/* The library leaves the broker's channel.close unanswered; without an answer a second open is an
 * error of the connection. */
bool ch_amqp_reopen_channel(amqp_connection_state_t connection, GError **error)
{
    amqp_channel_close_ok_t ok = { 0 };
    int status = amqp_send_method(connection, CH_AMQP_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    return ch_amqp_check_status(status, "close a channel", error) &&
           open_channel(connection, error);
}

static amqp_table_entry_t capability(const char *name)
{
    amqp_table_entry_t entry = { .key = amqp_cstring_bytes(name),
                                 .value = { .kind = AMQP_FIELD_KIND_BOOLEAN } };
    entry.value.value.boolean = 1;
    return entry;
}

/* Without these the broker does not say that a queue is gone or that it blocks us. */
static bool login(amqp_connection_state_t connection, const struct amqp_connection_info *info,
                  const char *name, GError **error)
{
    amqp_table_entry_t capabilities[] = {
        capability("consumer_cancel_notify"),
        capability("connection.blocked"),
        capability("publisher_confirms"),
        capability("basic.nack"),
    };
    amqp_table_entry_t properties[] = {
        { .key = amqp_cstring_bytes("capabilities"), .value = { .kind = AMQP_FIELD_KIND_TABLE } },
        { .key = amqp_cstring_bytes("connection_name"), .value = { .kind = AMQP_FIELD_KIND_UTF8 } },
    };
    properties[0].value.value.table.num_entries = G_N_ELEMENTS(capabilities);
    properties[0].value.value.table.entries = capabilities;
    properties[1].value.value.bytes = amqp_cstring_bytes(name);
    const amqp_table_t table = { G_N_ELEMENTS(properties), properties };
    return ch_amqp_check(amqp_login_with_properties(connection, info->vhost, 0, FRAME_BYTES,
                                                    HEARTBEAT_S, &table, AMQP_SASL_METHOD_PLAIN,
                                                    info->user, info->password),
                         "log in", error);
}

static void set_socket_options(int fd)
{
    int on = 1;
    int timeout_ms = SEND_TIMEOUT_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

/* Never a plain socket for a URL that says amqps. */
static amqp_socket_t *new_socket(amqp_connection_state_t connection, const ChAmqpConfig *config,
                                 const struct amqp_connection_info *info, GError **error)
{
    if (info->ssl != 0)
        return ch_amqp_tls_socket(connection, config, info->host, error);
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    g_assert(socket != NULL);
    return socket;
}

static bool connect_socket(amqp_socket_t *socket, const struct amqp_connection_info *info,
                           GError **error)
{
    struct timeval timeout = { .tv_sec = CONNECT_TIMEOUT_S };
    int status = amqp_socket_open_noblock(socket, info->host, info->port, &timeout);
    const char *reason = info->ssl != 0 ? ch_amqp_tls_reason(socket, status) : NULL;
    if (reason == NULL)
        return ch_amqp_check_status(status, "connect", error);
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "broker: no TLS with %s:%d: %s", info->host,
                info->port, reason);
    return false;
}

static bool connect_and_login(amqp_connection_state_t connection, const ChAmqpConfig *config,
                              const struct amqp_connection_info *info, const char *name,
                              GError **error)
{
    struct timeval rpc_timeout = { .tv_sec = RPC_TIMEOUT_S };
    amqp_socket_t *socket = new_socket(connection, config, info, error);
    if (socket == NULL) {
        if (error != NULL && *error != NULL)
            (*error)->code =
                CH_ERROR_UNAVAILABLE; /* a file, good at the start, is being replaced */
        return false;
    }
    amqp_set_handshake_timeout(connection, &rpc_timeout);
    amqp_set_rpc_timeout(connection, &rpc_timeout);
    if (!connect_socket(socket, info, error))
        return false;
    set_socket_options(amqp_get_sockfd(connection));
    return login(connection, info, name, error) && open_channel(connection, error);
}

amqp_connection_state_t ch_amqp_open(const ChAmqpConfig *config, const char *name, GError **error)
{
    g_autofree char *copy = g_strdup(config->url);
    struct amqp_connection_info info;
    if (!ch_amqp_parse_url(copy, &info, error))
        return NULL;
    amqp_connection_state_t connection = amqp_new_connection();
    g_assert(connection != NULL);
    if (connect_and_login(connection, config, &info, name, error))
        return connection;
    ch_amqp_drop(connection);
    return NULL;
}

void ch_amqp_close(amqp_connection_state_t connection)
{
    if (connection == NULL)
        return;
    struct timeval timeout = { .tv_sec = GOODBYE_TIMEOUT_S };
    amqp_set_rpc_timeout(connection, &timeout);
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

void ch_amqp_drop(amqp_connection_state_t connection)
{
    if (connection != NULL)
        amqp_destroy_connection(connection);
}

void ch_amqp_cork(amqp_connection_state_t connection, bool on)
{
    const int value = on ? 1 : 0;
    setsockopt(amqp_get_sockfd(connection), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

void ch_amqp_wait(amqp_connection_state_t connection, int wake_fd, int wait_ms)
{
    if (amqp_frames_enqueued(connection) || amqp_data_in_buffer(connection))
        return;
    struct pollfd fds[] = {
        { .fd = amqp_get_sockfd(connection), .events = POLLIN },
        { .fd = wake_fd, .events = POLLIN }, /* a negative one is ignored by poll */
    };
    poll(fds, G_N_ELEMENTS(fds), wait_ms);
}
