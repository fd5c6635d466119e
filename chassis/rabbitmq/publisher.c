/* Sends a window of messages and reads what the broker says to them. */
#include "chassis/rabbitmq/publisher.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/declare.h"
#include "chassis/rabbitmq/properties.h"
#include "chassis/rabbitmq/window.h"

#include <string.h>

enum {
    SENDS_BETWEEN_READS = 64,
    STALE_US = 1000 * 1000, /* age of a channel on which a refusal may be of the past */
};

struct ChPublisher {
    ChPublisherConfig config;
    amqp_connection_state_t connection; /* NULL while closed */
    int64_t opened_us;                  /* monotonic */
    uint64_t published;                 /* messages on this channel: the last tag */
    bool blocked;                       /* the broker asked us to stop (a resource alarm) */
};

ChPublisher *ch_publisher_new(const ChPublisherConfig *config)
{
    ChPublisher *publisher = g_new0(ChPublisher, 1);
    publisher->config = *config;
    return publisher;
}

void ch_publisher_free(ChPublisher *publisher)
{
    if (publisher == NULL)
        return;
    ch_amqp_close(publisher->connection);
    g_free(publisher);
}

static void report_health(ChPublisher *publisher, bool ok, const char *detail)
{
    if (publisher->config.health != NULL)
        ch_health_set(publisher->config.health, ok, detail);
}

/* Ends the connection after an error; the next call opens a new one. */
static bool drop(ChPublisher *publisher, GError **error)
{
    report_health(publisher, false, error != NULL && *error != NULL ? (*error)->message : "lost");
    g_clear_pointer(&publisher->connection, ch_amqp_drop);
    return false;
}

/* Whatever was refused before the first message is no message's fault. */
static bool connect_failed(ChPublisher *publisher, GError **error)
{
    if (error != NULL && *error != NULL)
        (*error)->code = CH_ERROR_UNAVAILABLE;
    return drop(publisher, error);
}

static bool connect_publisher(ChPublisher *publisher, GError **error)
{
    if (publisher->connection != NULL)
        return true;
    publisher->connection = ch_amqp_open(publisher->config.broker, publisher->config.name, error);
    if (publisher->connection == NULL)
        return connect_failed(publisher, error);
    publisher->opened_us = ch_time_monotonic_us();
    publisher->published = 0;
    publisher->blocked = false;
    if (publisher->config.exchange != NULL &&
        !ch_declare_exchange(publisher->connection, publisher->config.exchange, error))
        return connect_failed(publisher, error);
    amqp_confirm_select(publisher->connection, CH_AMQP_CHANNEL);
    if (!ch_amqp_check(amqp_get_rpc_reply(publisher->connection), "select confirms", error))
        return connect_failed(publisher, error);
    report_health(publisher, true, NULL);
    return true;
}

/* ---- answers of the broker ---- */

static char *text_of(amqp_bytes_t bytes)
{
    return g_strndup(bytes.len > 0 ? bytes.bytes : "", bytes.len);
}

/* Reads the rest of a returned message. */
static bool read_return(ChPublisher *publisher, ChWindow *window,
                        const amqp_basic_return_t *returned, GError **error)
{
    g_autofree char *exchange = text_of(returned->exchange);
    g_autofree char *key = text_of(returned->routing_key);
    amqp_message_t message;
    if (!ch_amqp_check(amqp_read_message(publisher->connection, CH_AMQP_CHANNEL, &message, 0),
                       "read a returned message", error))
        return false;
    /* Where the flag is missing the library leaves the property as its memory was. */
    bool has_id = (message.properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0;
    g_autofree char *id = has_id ? text_of(message.properties.message_id) : NULL;
    if (window != NULL)
        ch_window_note_return(window, exchange, key, id);
    amqp_destroy_message(&message);
    return true;
}

static bool handle_frame(ChPublisher *publisher, ChWindow *window, const amqp_frame_t *frame,
                         GError **error)
{
    if (frame->frame_type != AMQP_FRAME_METHOD)
        return true;
    const void *decoded = frame->payload.method.decoded;
    switch (frame->payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = decoded;
        if (window != NULL)
            ch_window_settle(window, ack->delivery_tag, ack->multiple != 0, false);
        return true;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = decoded;
        if (window != NULL)
            ch_window_settle(window, nack->delivery_tag, nack->multiple != 0, true);
        return true;
    }
    case AMQP_BASIC_RETURN_METHOD:
        return read_return(publisher, window, decoded, error);
    case AMQP_CONNECTION_BLOCKED_METHOD:
        ch_log_warning("broker blocks publishing until its alarm ends",
                       CH_STR("connection", publisher->config.name));
        publisher->blocked = true;
        return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        ch_log_info("broker takes messages again", CH_STR("connection", publisher->config.name));
        publisher->blocked = false;
        return true;
    default:
        return ch_amqp_check_frame(frame, "publish", error);
    }
}

/* Handles what has come; waits up to @wait_ms for a first frame. This also sends heartbeats and
 * notices their absence, which amqp_basic_publish() must never be the first to do: before
 * rabbitmq-c 0.14 it would hang. */
static bool read_frames(ChPublisher *publisher, ChWindow *window, int wait_ms, GError **error)
{
    if (wait_ms > 0)
        ch_amqp_wait(publisher->connection, -1, wait_ms);
    for (;;) {
        struct timeval none = { 0, 0 };
        amqp_frame_t frame;
        int status = amqp_simple_wait_frame_noblock(publisher->connection, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT)
            break;
        if (!ch_amqp_check_status(status, "wait for confirms", error) ||
            !handle_frame(publisher, window, &frame, error))
            return false;
    }
    amqp_maybe_release_buffers(publisher->connection);
    return true;
}

/* ---- publishing ---- */

/* What cannot be written as AMQP (a name of more than 255 bytes, headers larger than a frame) is
 * that message's fault, and no other try or connection changes it. */
static bool check_sent(int status, GError **error)
{
    if (status != AMQP_STATUS_BAD_AMQP_DATA && status != AMQP_STATUS_TABLE_TOO_BIG)
        return ch_amqp_check_status(status, "publish", error);
    g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "broker: publish: %s",
                amqp_error_string2(status));
    return false;
}

static bool send_message(ChPublisher *publisher, const ChMessage *message, GError **error)
{
    amqp_table_entry_t headers[CH_MESSAGE_MAX_HEADERS];
    amqp_basic_properties_t properties;
    ch_message_properties(message, publisher->config.app_id, headers, &properties);
    const amqp_bytes_t body = { message->body_bytes, (void *)message->body };
    int status = amqp_basic_publish(
        publisher->connection, CH_AMQP_CHANNEL, ch_amqp_text(message->exchange),
        ch_amqp_text(message->routing_key), message->mandatory ? 1 : 0, 0, &properties, body);
    return check_sent(status, error);
}

static bool send_up_to(ChPublisher *publisher, ChWindow *window, int most, GError **error)
{
    for (int i = 0; i < most && !publisher->blocked; i++) {
        const ChMessage *message = ch_window_next(window);
        if (message == NULL)
            break;
        if (!send_message(publisher, message, error))
            return false;
        ch_window_note_sent(window);
        publisher->published++;
        CH_FAULT_ON(window->sent < window->n ? "amid_publish" : "after_publish", "relay");
    }
    return true;
}

/* Sends while the window has room; reads in between so that confirms never pile up unread. */
static bool send_some(ChPublisher *publisher, ChWindow *window, GError **error)
{
    ch_amqp_cork(publisher->connection, true);
    bool ok = send_up_to(publisher, window, SENDS_BETWEEN_READS, error);
    ch_amqp_cork(publisher->connection, false);
    return ok;
}

static bool publish_window(ChPublisher *publisher, ChWindow *window, GError **error)
{
    while (!ch_window_is_done(window)) {
        if (!read_frames(publisher, window, 0, error) || !send_some(publisher, window, error))
            return false;
        if (ch_window_is_done(window))
            break; /* the last confirm has come: no other frame would end a wait */
        if (!publisher->blocked && ch_window_next(window) != NULL)
            continue;
        int64_t wait_us = ch_window_left_us(window, ch_time_monotonic_us());
        if (wait_us <= 0) {
            g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "broker: %s",
                        publisher->blocked ? "publishing is blocked by an alarm"
                                           : "no confirm in time");
            return false;
        }
        if (!read_frames(publisher, window, (int)(wait_us / 1000) + 1, error))
            return false;
    }
    return true;
}

/* RabbitMQ tells a channel that a queue is full, but not that its limit was taken away: the channel
 * would refuse for ever. The next try gets a new one. */
static void renew_after_refusal(ChPublisher *publisher, const ChPublishOutcome *outcomes, size_t n)
{
    if (ch_time_monotonic_us() - publisher->opened_us < STALE_US)
        return;
    for (size_t i = 0; i < n; i++) {
        if (outcomes[i] == CH_PUBLISH_REFUSED) {
            ch_amqp_close(g_steal_pointer(&publisher->connection));
            return;
        }
    }
}

bool ch_publisher_publish(ChPublisher *publisher, const ChMessage *messages, size_t n, int wait_ms,
                          ChPublishOutcome *outcomes, GError **error)
{
    if (!connect_publisher(publisher, error))
        return false;
    ChWindow window;
    ch_window_init(&window, messages, n, publisher->published + 1, ch_time_monotonic_us(), wait_ms);
    GError *why = NULL;
    bool ok = publish_window(publisher, &window, &why);
    if (ok) {
        memcpy(outcomes, window.outcomes, n * sizeof *outcomes);
        renew_after_refusal(publisher, outcomes, n);
    } else {
        /* What was sent is in the dark now: the window dies with the connection. While the broker
         * only blocks us and nothing is under way, the connection is kept. */
        if (!publisher->blocked || ch_window_is_under_way(&window))
            drop(publisher, &why);
        g_propagate_error(error, why);
    }
    ch_window_clear(&window);
    return ok;
}

bool ch_publisher_idle(ChPublisher *publisher, GError **error)
{
    if (!connect_publisher(publisher, error))
        return false;
    if (!read_frames(publisher, NULL, 0, error))
        return drop(publisher, error);
    return true;
}
