/* A message whose properties rabbitmq-c cannot read: a header table nested deeper than about a
 * hundred (0.15), a header frame larger than was agreed, a field type that it does not know, a
 * header without a name. The library then reads no further on that connection, but it still writes:
 * enough to settle what came before, to reject the message by its tag, and to leave in order. Not
 * to be included outside chassis/rabbitmq. Thread: the connection's. */
#pragma once

#include "chassis/rabbitmq/connection.h"

#include <glib.h>
#include <stdint.h>

/** Connections that stand in the middle of such a message, each, so that the broker gives the
 * message to nobody else while it is kept. All zero when there is none. */
typedef struct {
    GQueue kept; /* Kept *, the oldest first */
} ChUnread;

enum {
    CH_UNREAD_MOST = 8 /* connections that one consumer keeps in this way */
};

/** True when @reply says that what came cannot be read. */
bool ch_unread_is(amqp_rpc_reply_t reply);

/** Hands the message @tag to the queue's dead letter exchange, and drops @connection once the
 * broker has seen it, within three seconds. False when it may not have: the message then comes
 * again. */
bool ch_unread_reject(amqp_connection_state_t connection, uint64_t tag);

/** Tells the broker that we live, on a connection that is held in the middle of such a message. */
bool ch_unread_beat(amqp_connection_state_t connection);

/** Keeps @connection, which is consumed. There must be fewer than CH_UNREAD_MOST. */
void ch_unread_keep(ChUnread *unread, amqp_connection_state_t connection);

/** Keeps the connections alive, and drops those that are lost or that the broker is about to lose
 * patience with: their messages come again. To be called at least every 10 seconds. */
void ch_unread_tend(ChUnread *unread);

/** How many are kept. */
size_t ch_unread_count(const ChUnread *unread);

/** Drops all. */
void ch_unread_clear(ChUnread *unread);
