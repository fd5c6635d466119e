/* What makes rabbitmq-c's TLS socket one that trusts nobody by default.
 * Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/rabbitmq/amqp_headers.h"
#include "chassis/rabbitmq/broker.h"

/** Whether the setting names a file. */
static inline bool ch_amqp_is_given(const char *file)
{
    return file != NULL && *file != '\0';
}

/** The TLS socket of @connection: version 1.2 at least; the peer's certificate must hold, by
 * @config's CA, and be for @host, a name or an address; else the handshake fails before anything of
 * ours is sent. The files are read anew for each socket, so that new ones serve the next
 * connection. NULL with @error: CONFIG, naming the variable of a file that cannot be used. */
amqp_socket_t *ch_amqp_tls_socket(amqp_connection_state_t connection, const ChAmqpConfig *config,
                                  const char *host, GError **error);

/** Why @status, of a TLS socket on this thread, came about; NULL when there is nothing to add.
 * @socket may be NULL. Forgets it. */
const char *ch_amqp_tls_reason(amqp_socket_t *socket, int status);
