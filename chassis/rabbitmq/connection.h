/* One connection with one channel: rabbitmq-c loses frames of other channels, and has no locking.
 * Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/rabbitmq/amqp_headers.h"
#include "chassis/rabbitmq/broker.h"

#include <glib.h>
#include <stdbool.h>

enum {
    CH_AMQP_CHANNEL = 1
};

/** Reads @config's URL. The parser writes into @copy, a copy of it, and *info points into that.
 * Errors: CONFIG. */
CH_MUST_CHECK bool ch_amqp_parse_url(char *copy, struct amqp_connection_info *info, GError **error);

/** Opens a connection and its channel. With amqps it is verified TLS or no connection.
 * Errors: UNAVAILABLE; CONFIG when @config's URL is none. Close with ch_amqp_close() or
 * ch_amqp_drop(). */
CH_MUST_CHECK amqp_connection_state_t ch_amqp_open(const ChAmqpConfig *config, const char *name,
                                                   GError **error);

/** Closes a connection that is in order with the closing handshake, for which it waits up to a
 * second. NULL is fine. */
void ch_amqp_close(amqp_connection_state_t connection);

/** Closes at once, without the handshake, which a blocked broker never answers. NULL is fine. */
void ch_amqp_drop(amqp_connection_state_t connection);

/** True when the last synchronous call succeeded; else @error tells what @doing failed.
 * FAILED when the broker closed the channel (it refuses what was asked), else UNAVAILABLE. */
bool ch_amqp_check(amqp_rpc_reply_t reply, const char *doing, GError **error);

/** The same for functions that return a status. */
bool ch_amqp_check_status(int status, const char *doing, GError **error);

/** What a frame that is no delivery or confirm means: channel.close FAILED, connection.close
 * and basic.cancel UNAVAILABLE; other methods are fine. */
bool ch_amqp_check_frame(const amqp_frame_t *frame, const char *doing, GError **error);

/** Opens the channel again that the broker has closed, after ch_amqp_check() said FAILED. */
CH_MUST_CHECK bool ch_amqp_reopen_channel(amqp_connection_state_t connection, GError **error);

/** Waits until there is something to read or @wake_fd (-1: none) is readable, @wait_ms at most.
 * The library must have been read until it said AMQP_STATUS_TIMEOUT: then nothing lies in it. */
void ch_amqp_wait(amqp_connection_state_t connection, int wake_fd, int wait_ms);

/** While @on, what is written to a plain connection leaves in full segments: one for many frames.
 */
void ch_amqp_cork(amqp_connection_state_t connection, bool on);

static inline amqp_bytes_t ch_amqp_text(const char *text)
{
    return text == NULL ? amqp_empty_bytes : amqp_cstring_bytes(text);
}
