/* A batch consumer on a connection that heals. */
#include "chassis/rabbitmq/consumer.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/core/wait.h"
#include "chassis/rabbitmq/consumer_state.h"
#include "chassis/rabbitmq/declare.h"
#include "chassis/rabbitmq/receive.h"

#include <malloc.h>

enum {
    MAX_BATCH_BYTES = 8 * 1024 * 1024, /* bodies of one batch; one larger message goes alone */
    ALL_DELIVERIES =
        0,           /* in place of a tag: all that are not acknowledged (AMQP 0-9-1, 1.8.3.14) */
    MAX_GARBLED = 3, /* connections in a row that ended so before a message came: else it is odd */
};

ChConsumer *ch_consumer_new(const ChConsumerConfig *config)
{
    ChConsumer *consumer = g_new0(ChConsumer, 1);
    consumer->config = *config;
    const ChPublisherConfig letters = { .broker = config->broker,
                                        .name = config->name,
                                        .app_id = config->app_id };
    consumer->letters = ch_letters_new(&letters);
    ch_depth_init(&consumer->depth, config->dead_letters ? NULL : config->queue_name);
    g_autoptr(GError) error = NULL;
    if (!ch_wakeup_open(&consumer->wakeup, &error))
        g_error("consumer %s: %s", config->name, error->message); /* no start without it */
    return consumer;
}

void ch_consumer_free(ChConsumer *consumer)
{
    if (consumer == NULL)
        return;
    ch_amqp_close(consumer->connection);
    ch_letters_free(consumer->letters);
    g_clear_error(&consumer->unsettled);
    ch_unread_clear(&consumer->set_aside);
    ch_wakeup_close(&consumer->wakeup);
    g_free(consumer);
}

/* ---- connecting ---- */

static amqp_bytes_t consumer_tag(const ChConsumer *consumer)
{
    return amqp_cstring_bytes(ch_caution_tag(&consumer->caution, consumer->config.name));
}

/* A synchronous call reads deliveries too, until its answer comes. */
static bool check_answer(ChConsumer *consumer, const char *doing, GError **error)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(consumer->connection);
    consumer->unreadable = ch_unread_is(reply);
    return ch_amqp_check(reply, doing, error);
}

static bool set_window(ChConsumer *consumer, const char *doing, GError **error)
{
    int window = ch_caution_window(&consumer->caution, consumer->config.prefetch);
    amqp_basic_qos(consumer->connection, CH_AMQP_CHANNEL, 0, (uint16_t)window, 0);
    return check_answer(consumer, doing, error);
}

static bool start_consuming(ChConsumer *consumer, GError **error)
{
    if (!set_window(consumer, "set the window", error))
        return false;
    amqp_basic_consume(consumer->connection, CH_AMQP_CHANNEL,
                       amqp_cstring_bytes(consumer->config.queue_name), consumer_tag(consumer), 0,
                       0, 0, amqp_empty_table);
    return check_answer(consumer, "consume", error);
}

static bool declare(ChConsumer *consumer, GError **error)
{
    const ChConsumerConfig *config = &consumer->config;
    if (config->dead_letters)
        return ch_declare_dead_letters(consumer->connection, config->queue, config->kind,
                                       &consumer->keeps_rejected, error);
    return ch_declare_queue(consumer->connection, config->queue, config->kind,
                            &consumer->keeps_rejected, error);
}

/* Tells how long the queue is. */
static bool look_at_depth(ChConsumer *consumer, GError **error)
{
    amqp_rpc_reply_t reply;
    bool ok = ch_depth_look(&consumer->depth, consumer->connection, &reply, error);
    consumer->unreadable = ch_unread_is(reply);
    return ok;
}

static bool has_room_aside(ChConsumer *consumer, GError **error)
{
    if (ch_unread_count(&consumer->set_aside) < CH_UNREAD_MOST)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                "%d messages of queue %s cannot be read and have nowhere to go", CH_UNREAD_MOST,
                consumer->config.queue_name);
    return false;
}

static bool connect_consumer(ChConsumer *consumer, GError **error)
{
    if (consumer->connection != NULL && !consumer->unreadable)
        return true;
    g_clear_pointer(&consumer->connection, ch_amqp_drop);
    if (!has_room_aside(consumer, error))
        return ch_consumer_drop(consumer, error);
    consumer->connection = ch_amqp_open(consumer->config.broker, consumer->config.name, error);
    if (consumer->connection == NULL)
        return ch_consumer_drop(consumer, error);
    consumer->connections++;
    consumer->unreadable = false;
    ch_caution_start(&consumer->caution);
    ch_stall_none(&consumer->stall, ch_time_monotonic_us());
    /* Before anything is delivered: what cannot be read is met by a fetch then. */
    if (!declare(consumer, error) || !look_at_depth(consumer, error) ||
        !start_consuming(consumer, error))
        return ch_consumer_drop(consumer, error);
    ch_consumer_report(consumer, true, NULL);
    return true;
}

/* Asks for nothing more on this connection; what has come stays queued in the library. */
static bool cancel(ChConsumer *consumer, GError **error)
{
    amqp_basic_cancel(consumer->connection, CH_AMQP_CHANNEL, consumer_tag(consumer));
    return check_answer(consumer, "cancel", error);
}

/* A window only holds for consumers that start after it was set. What arrives while this cancels
 * stays queued in the library and is fetched as usual. */
static bool open_window(ChConsumer *consumer, GError **error)
{
    if (!cancel(consumer, error))
        return false;
    ch_caution_widened(&consumer->caution);
    return start_consuming(consumer, error);
}

/* ---- fetching ---- */

static bool take_deliveries(ChConsumer *consumer, ChDelivery **deliveries, size_t max, size_t *n,
                            GError **error)
{
    size_t bytes = 0;
    while (*n < max && bytes < MAX_BATCH_BYTES && !consumer->unreadable) {
        ChDelivery *delivery = NULL;
        if (!ch_receive(consumer->connection, consumer->connections, &delivery,
                        &consumer->unreadable, error))
            return false;
        if (delivery == NULL)
            break;
        bytes += delivery->body_bytes;
        ch_caution_note_fetched(&consumer->caution, delivery);
        delivery->suspect = delivery->uncounted && ch_consumer_stands_alone(consumer);
        deliveries[(*n)++] = delivery;
        consumer->depth.held++;
        consumer->garbled = 0;
    }
    if (*n > 0) {
        ch_stall_none(&consumer->stall, ch_time_monotonic_us());
        ch_depth_show_held(&consumer->depth);
    }
    amqp_maybe_release_buffers(consumer->connection);
    return true;
}

/* Waits for something to read or for ch_consumer_wake(). */
static void wait_for_delivery(ChConsumer *consumer, int wait_ms)
{
    ch_amqp_wait(consumer->connection, consumer->wakeup.fd, wait_ms);
    ch_wakeup_take(&consumer->wakeup);
}

static bool replace_connection(ChConsumer *consumer, GError **error)
{
    ch_amqp_close(g_steal_pointer(&consumer->connection));
    malloc_trim(0); /* what decoding took lies free in small pieces */
    return connect_consumer(consumer, error);
}

/* Nothing came, although there is room for it. *stalled: and yet the queue holds messages. */
static bool look_for_stall(ChConsumer *consumer, bool *stalled, GError **error)
{
    int64_t now_us = ch_time_monotonic_us();
    if (!ch_stall_should_look(&consumer->stall, now_us))
        return true;
    int64_t ready = 0;
    amqp_rpc_reply_t reply;
    bool counted =
        ch_depth_count(consumer->connection, consumer->config.queue_name, &ready, &reply, error);
    consumer->unreadable = ch_unread_is(reply);
    if (!counted)
        return false;
    if (amqp_frames_enqueued(consumer->connection)) /* they came meanwhile */
        ch_stall_none(&consumer->stall, now_us);
    else
        *stalled = ch_stall_looked(&consumer->stall, now_us, ready);
    return true;
}

/* A consumer that the broker has forgotten gets a connection of its own again. */
static bool heal_stall(ChConsumer *consumer, GError **error)
{
    bool stalled = false;
    if (!look_for_stall(consumer, &stalled, error))
        return false;
    if (!stalled)
        return true;
    ch_log_warning("messages wait and none comes: consuming anew",
                   CH_STR("queue", consumer->config.queue_name));
    return replace_connection(consumer, error);
}

/* Before a fetch: opens the window, or lets a swollen connection run dry and replaces it; now and
 * then asks how much waits. */
static bool adjust(ChConsumer *consumer, GError **error)
{
    if (consumer->closed)
        return true;
    bool drained = amqp_frames_enqueued(consumer->connection) == 0;
    switch (ch_caution_next(&consumer->caution, drained)) {
    case CH_CAUTION_WIDEN:
        return open_window(consumer, error);
    case CH_CAUTION_RETIRE:
        return cancel(consumer, error);
    case CH_CAUTION_REPLACE:
        return replace_connection(consumer, error);
    case CH_CAUTION_GO_ON:
        break;
    }
    return look_at_depth(consumer, error);
}

/* The library met an unreadable message where it does not say which. All that was on its way comes
 * again, one by one, and that one will be told apart: no server is away. */
static bool is_garbled(ChConsumer *consumer, const GError *why)
{
    if (!consumer->unreadable || ++consumer->garbled > MAX_GARBLED)
        return false;
    ch_log_warning("an unreadable message came", CH_STR("queue", consumer->config.queue_name),
                   CH_ERR(why));
    return true;
}

bool ch_consumer_fetch(ChConsumer *consumer, ChDelivery **deliveries, size_t max, int wait_ms,
                       size_t *n, GError **error)
{
    *n = 0;
    g_autoptr(GError) why = NULL;
    ch_unread_tend(&consumer->set_aside);
    ch_letters_rest(consumer->letters);
    if (consumer->unsettled != NULL) {
        g_propagate_error(error, g_steal_pointer(&consumer->unsettled));
        return false;
    }
    if (consumer->closed && (consumer->connection == NULL || consumer->unreadable))
        return true;
    if (!connect_consumer(consumer, error))
        return false;
    bool ok = adjust(consumer, &why) && take_deliveries(consumer, deliveries, max, n, &why);
    if (ok && *n == 0 && !consumer->closed && !consumer->caution.retiring) {
        wait_for_delivery(consumer, wait_ms);
        ok = take_deliveries(consumer, deliveries, max, n, &why) &&
             (*n > 0 || heal_stall(consumer, &why));
    }
    if (ok)
        return true;
    ch_consumer_release(consumer, deliveries, *n);
    *n = 0;
    if (is_garbled(consumer, why)) {
        ch_caution_note_end(&consumer->caution);
        g_clear_pointer(&consumer->connection, ch_amqp_drop);
        return true;
    }
    ch_consumer_drop(consumer, &why);
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

void ch_consumer_release(ChConsumer *consumer, ChDelivery *const *deliveries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ch_delivery_free(deliveries[i]);
    consumer->depth.held -= (int64_t)n;
    ch_depth_show_held(&consumer->depth);
}

void ch_consumer_keep_alive(ChConsumer *consumer)
{
    ch_unread_tend(&consumer->set_aside);
    if (consumer->connection == NULL)
        return;
    g_autoptr(GError) error = NULL;
    if (consumer->unreadable) {
        if (!ch_unread_beat(consumer->connection))
            ch_consumer_drop(consumer, &error);
        return;
    }
    /* A synchronous call sends heartbeats, notices their absence, and queues deliveries unread. */
    bool ok = set_window(consumer, "keep alive", &error) && look_at_depth(consumer, &error);
    if (!ok && !consumer->unreadable)
        ch_consumer_drop(consumer, &error);
}

/* The next connection has a channel of its own, whose deliveries are not confused with these. */
void ch_consumer_rest(ChConsumer *consumer)
{
    ch_unread_tend(&consumer->set_aside);
    ch_letters_rest(consumer->letters);
    ch_consumer_report(consumer, true, NULL);
    if (consumer->connection == NULL)
        return;
    g_autoptr(GError) error = NULL;
    bool whole = !consumer->unreadable && cancel(consumer, &error) && !consumer->unreadable;
    if (whole)
        amqp_basic_nack(consumer->connection, CH_AMQP_CHANNEL, ALL_DELIVERIES, 1, 1);
    ch_caution_note_end(&consumer->caution);
    g_clear_pointer(&consumer->connection, whole ? ch_amqp_close : ch_amqp_drop);
}

void ch_consumer_close(ChConsumer *consumer)
{
    consumer->closed = true;
    if (consumer->connection == NULL)
        return;
    g_autoptr(GError) error = NULL;
    if (!cancel(consumer, &error))
        ch_consumer_drop(consumer, &error);
}

void ch_consumer_wake(ChConsumer *consumer)
{
    ch_wakeup_set(&consumer->wakeup);
}
