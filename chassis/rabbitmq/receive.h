/* One delivery off a connection that consumes. Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/delivery.h"

#include <stdint.h>

/** Takes a delivery if one has come; *delivery is NULL when none has. @connection_number: which
 * connection this is. One that the library cannot read is `unreadable`, and nothing more comes on
 * the connection; *unreadable is that too when the message cannot even be told apart, and then this
 * fails. Errors: as ch_amqp_check(). */
CH_MUST_CHECK bool ch_receive(amqp_connection_state_t connection, uint64_t connection_number,
                              ChDelivery **delivery, bool *unreadable, GError **error);
