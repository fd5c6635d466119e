/* Publisher confirms: tags count from 1 on each channel, in the order of publishing. */
#include "chassis/rabbitmq/publisher.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/declare.h"
#include "chassis/rabbitmq/properties.h"

#include <string.h>

enum {
    MAX_UNCONFIRMED = 512,               /* messages under way; small enough for socket buffers */
    MAX_UNCONFIRMED_BYTES = 1024 * 1024, /* a blocked broker stops reading: we must not block */
    SENDS_BETWEEN_READS = 64,
    STALE_US = 1000 * 1000, /* age of a channel on which a refusal may be of the past */
    MAX_WAITS = 3, /* times as long as the caller waits for a confirm: the most that a call takes */
};

struct ChPublisher {
    ChPublisherConfig config;
    amqp_connection_state_t connection; /* NULL while closed */
    int64_t opened_us;                  /* monotonic */
    uint64_t published;                 /* messages on this channel: the last tag */
    bool blocked;                       /* the broker asked us to stop (a resource alarm) */
};

/* One call of ch_publisher_publish(). */
typedef struct {
    const ChMessage *messages;
    size_t n;
    ChPublishOutcome *outcomes;
    bool *settled;      /* n of them: confirmed or refused */
    uint64_t first_tag; /* of messages[0] */
    size_t sent;
    size_t n_settled;
    size_t oldest;     /* every message before this one is settled */
    size_t sent_bytes; /* bodies of the unsettled ones */
    int64_t wait_us;   /* for the next confirm */
    int64_t deadline_us;
    int64_t last_us;       /* no deadline is later */
    size_t n_settled_then; /* when the deadline was set */
} Window;

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

static void settle(Window *window, uint64_t tag, bool multiple, bool refused)
{
    if (tag < window->first_tag || tag >= window->first_tag + window->sent)
        return;
    size_t last = (size_t)(tag - window->first_tag);
    for (size_t i = multiple ? window->oldest : last; i <= last; i++) {
        if (window->settled[i])
            continue;
        window->settled[i] = true;
        window->n_settled++;
        window->sent_bytes -= window->messages[i].body_bytes;
        if (refused)
            window->outcomes[i] = CH_PUBLISH_REFUSED;
    }
    while (window->oldest < window->sent && window->settled[window->oldest])
        window->oldest++;
}

/* NULL is sent as nothing at all. */
static bool is_text(amqp_bytes_t bytes, const char *text)
{
    size_t n = text != NULL ? strlen(text) : 0;
    return bytes.len == n && (n == 0 || memcmp(bytes.bytes, text, n) == 0);
}

/* A return comes before the confirm of its message and carries no tag: find it by what it says. Of
 * those that say the same each has the same way, so that it does not matter which is found. */
static void note_return(Window *window, const char *exchange, const char *routing_key,
                        amqp_bytes_t message_id)
{
    for (size_t i = window->oldest; i < window->sent; i++) {
        const ChMessage *message = &window->messages[i];
        if (!window->settled[i] && window->outcomes[i] == CH_PUBLISH_CONFIRMED &&
            is_text(amqp_cstring_bytes(exchange), message->exchange) &&
            is_text(amqp_cstring_bytes(routing_key), message->routing_key) &&
            is_text(message_id, message->message_id)) {
            window->outcomes[i] = CH_PUBLISH_RETURNED;
            return;
        }
    }
}

/* Reads the rest of a returned message. */
static bool read_return(ChPublisher *publisher, Window *window, const amqp_basic_return_t *returned,
                        GError **error)
{
    g_autofree char *exchange = g_strndup(returned->exchange.bytes, returned->exchange.len);
    g_autofree char *key = g_strndup(returned->routing_key.bytes, returned->routing_key.len);
    amqp_message_t message;
    if (!ch_amqp_check(amqp_read_message(publisher->connection, CH_AMQP_CHANNEL, &message, 0),
                       "read a returned message", error))
        return false;
    /* Where the flag is missing the library leaves the property as its memory was. */
    bool has_id = (message.properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0;
    if (window != NULL)
        note_return(window, exchange, key,
                    has_id ? message.properties.message_id : amqp_empty_bytes);
    amqp_destroy_message(&message);
    return true;
}

static bool handle_frame(ChPublisher *publisher, Window *window, const amqp_frame_t *frame,
                         GError **error)
{
    if (frame->frame_type != AMQP_FRAME_METHOD)
        return true;
    const void *decoded = frame->payload.method.decoded;
    switch (frame->payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = decoded;
        if (window != NULL)
            settle(window, ack->delivery_tag, ack->multiple != 0, false);
        return true;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = decoded;
        if (window != NULL)
            settle(window, nack->delivery_tag, nack->multiple != 0, true);
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
 * notices their absence, which amqp_basic_publish() must never be the first to do: it would hang.
 */
static bool read_frames(ChPublisher *publisher, Window *window, int wait_ms, GError **error)
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

static bool send_message(ChPublisher *publisher, const ChMessage *message, GError **error)
{
    amqp_table_entry_t headers[CH_MESSAGE_MAX_HEADERS];
    amqp_basic_properties_t properties;
    ch_message_properties(message, publisher->config.app_id, headers, &properties);
    const amqp_bytes_t body = { message->body_bytes, (void *)message->body };
    int status = amqp_basic_publish(
        publisher->connection, CH_AMQP_CHANNEL, ch_amqp_text(message->exchange),
        ch_amqp_text(message->routing_key), message->mandatory ? 1 : 0, 0, &properties, body);
    return ch_amqp_check_status(status, "publish", error);
}

static bool window_is_full(const Window *window)
{
    return window->sent - window->n_settled >= MAX_UNCONFIRMED ||
           window->sent_bytes >= MAX_UNCONFIRMED_BYTES;
}

static bool send_up_to(ChPublisher *publisher, Window *window, int most, GError **error)
{
    for (int i = 0;
         i < most && window->sent < window->n && !window_is_full(window) && !publisher->blocked;
         i++) {
        const ChMessage *message = &window->messages[window->sent];
        window->outcomes[window->sent] = CH_PUBLISH_CONFIRMED;
        if (!send_message(publisher, message, error))
            return false;
        window->sent_bytes += message->body_bytes;
        window->sent++;
        publisher->published++;
        CH_FAULT_ON(window->sent < window->n ? "amid_publish" : "after_publish", "relay");
    }
    return true;
}

/* Sends while the window has room; reads in between so that confirms never pile up unread. */
static bool send_some(ChPublisher *publisher, Window *window, GError **error)
{
    ch_amqp_cork(publisher->connection, true);
    bool ok = send_up_to(publisher, window, SENDS_BETWEEN_READS, error);
    ch_amqp_cork(publisher->connection, false);
    return ok;
}

/* A broker that goes on confirming is slow, not gone. Giving up on it would lose what it has done,
 * and send it all of that again: it would never come to an end. */
static int64_t left_us(Window *window)
{
    int64_t now_us = ch_time_monotonic_us();
    if (window->n_settled > window->n_settled_then) {
        window->n_settled_then = window->n_settled;
        window->deadline_us = MIN(now_us + window->wait_us, window->last_us);
    }
    return window->deadline_us - now_us;
}

static bool publish_window(ChPublisher *publisher, Window *window, GError **error)
{
    while (window->n_settled < window->n) {
        if (!read_frames(publisher, window, 0, error) || !send_some(publisher, window, error))
            return false;
        if (window->n_settled == window->n)
            break; /* the last confirm has come: no other frame would end a wait */
        if (window->sent < window->n && !window_is_full(window) && !publisher->blocked)
            continue;
        int64_t wait_us = left_us(window);
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
    g_autofree ChPublishOutcome *told = g_new0(ChPublishOutcome, n);
    g_autofree bool *settled = g_new0(bool, n);
    int64_t now_us = ch_time_monotonic_us();
    int64_t wait_us = INT64_C(1000) * wait_ms;
    Window window = {
        .messages = messages,
        .n = n,
        .outcomes = told,
        .settled = settled,
        .first_tag = publisher->published + 1,
        .wait_us = wait_us,
        .deadline_us = now_us + wait_us,
        .last_us = now_us + MAX_WAITS * wait_us,
    };
    GError *why = NULL;
    if (publish_window(publisher, &window, &why)) {
        memcpy(outcomes, told, n * sizeof *told);
        renew_after_refusal(publisher, told, n);
        return true;
    }
    /* What was sent is in the dark now: the window dies with the connection. While the broker only
     * blocks us and nothing is under way, the connection is kept. */
    if (!(publisher->blocked && window.sent == window.n_settled))
        drop(publisher, &why);
    g_propagate_error(error, why);
    return false;
}

bool ch_publisher_idle(ChPublisher *publisher, GError **error)
{
    if (!connect_publisher(publisher, error))
        return false;
    if (!read_frames(publisher, NULL, 0, error))
        return drop(publisher, error);
    return true;
}
