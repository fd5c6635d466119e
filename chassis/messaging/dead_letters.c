/* From a dead letter queue into the table. */
#include "chassis/messaging/dead_letters.h"

#include "chassis/core/cast.h"
#include "chassis/core/log.h"
#include "chassis/messaging/event.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/queue.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

CH_COUNTER(stored_total, "cartwheel_dead_letters_stored_total",
           "dead letters stored in the table dead_letters", "queue");

/* One array a column, an element a dead letter. */
static const ChPgStatement sql_insert_dead_letters = {
    "insert into dead_letters (id, queue, message_id, message_type, body, reason, attempts,"
    " traceparent)"
    " select * from unnest($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing",
    { CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_TEXTS, CH_PG_INTS,
      CH_PG_TEXTS },
};
enum {
    INSERT_ID,
    INSERT_QUEUE,
    INSERT_MESSAGE_ID,
    INSERT_TYPE,
    INSERT_BODY,
    INSERT_REASON,
    INSERT_ATTEMPTS,
    INSERT_TRACEPARENT,
};

struct ChDeadLetters {
    ChSource base;
    const char *queue;
    ChPg *pg;
    ChConsumer *consumer;
    ChMetric *stored;
};

static const ChSourceOps dead_letters_ops;

static ChDeadLetters *dead_letters_of(ChSource *source)
{
    return CH_CAST(ChDeadLetters, source, &dead_letters_ops);
}

/* What cannot be read and has to stay where it is comes again and again: all of one queue are one
 * row. */
static ChUuid id_of_queue(const char *queue)
{
    static const ChUuid unreadable_letters = { { 0x8e, 0x1f, 0x0c, 0x52, 0x6b, 0x3d, 0x4a, 0x97,
                                                 0x9a, 0x40, 0x5d, 0x2e, 0x71, 0xc8, 0xb3, 0x06 } };
    return ch_uuid_derive(unreadable_letters, queue, strlen(queue));
}

/* Ours carry an id, so that a second delivery is the same row. The broker's own do not. */
static ChUuid dead_letter_id(const ChDeadLetters *dead_letters, const ChDelivery *delivery)
{
    ChUuid id;
    if (delivery->unreadable && !ch_consumer_keeps_rejected(dead_letters->consumer))
        return id_of_queue(dead_letters->queue);
    if (delivery->dead_letter_id != NULL &&
        ch_uuid_parse(delivery->dead_letter_id, strlen(delivery->dead_letter_id), &id))
        return id;
    return ch_uuid_new();
}

/* Where a letter that cannot be read lies, with its body. Free with g_free(). */
static char *unreadable_reason(const ChDeadLetters *dead_letters)
{
    char name[CH_QUEUE_NAME_BYTES];
    bool moved = ch_consumer_keeps_rejected(dead_letters->consumer);
    if (moved)
        ch_queue_unread_name(dead_letters->queue, name);
    else
        ch_queue_dead_letter_name(dead_letters->queue, name);
    return g_strdup_printf("the AMQP library cannot read its properties, so it has no body here: it"
                           " lies in queue %s%s",
                           name, moved ? "" : ", as does every other one of this kind");
}

/* Why the broker dead-lettered what our consumer rejected; of its earlier attempts speaks the error
 * that it still carries. Free with g_free(). */
static char *broker_reason(const ChDelivery *delivery)
{
    if (delivery->body_bytes > CH_EVENT_MAX_BYTES)
        return g_strdup_printf("the body has %zu bytes, more than %d", delivery->body_bytes,
                               CH_EVENT_MAX_BYTES);
    return g_strdup_printf("given up unread: %s%s%s",
                           delivery->death_reason != NULL ? delivery->death_reason : "unknown",
                           delivery->error != NULL ? "; earlier: " : "",
                           delivery->error != NULL ? delivery->error : "");
}

/* Free with g_free(). */
static char *reason_of(const ChDeadLetters *dead_letters, const ChDelivery *delivery)
{
    bool by_us = delivery->error != NULL && delivery->death_reason == NULL;
    if (delivery->unreadable)
        return unreadable_reason(dead_letters);
    return by_us ? g_strdup(delivery->error) : broker_reason(delivery);
}

static void add_dead_letter(ChPgParams *params, const ChDeadLetters *dead_letters,
                            const ChDelivery *delivery)
{
    g_autofree char *reason = reason_of(dead_letters, delivery);
    ch_pg_add_uuid(params, INSERT_ID, dead_letter_id(dead_letters, delivery));
    ch_pg_add_text(params, INSERT_QUEUE, dead_letters->queue);
    ch_pg_add_text(params, INSERT_MESSAGE_ID, delivery->message_id);
    ch_pg_add_text(params, INSERT_TYPE, delivery->type);
    ch_pg_add_bytes(params, INSERT_BODY, delivery->body_bytes == 0 ? (void *)"" : delivery->body,
                    delivery->body_bytes);
    ch_pg_add_text(params, INSERT_REASON, reason);
    ch_pg_add_int(params, INSERT_ATTEMPTS, delivery->retry_count);
    ch_pg_add_text(params, INSERT_TRACEPARENT, delivery->traceparent);
}

bool ch_dead_letters_run(void *context, void *const *items, size_t n, GError **error)
{
    ChDeadLetters *dead_letters = context;
    ChPgParams *params = ch_pg_params_new(&sql_insert_dead_letters);
    for (size_t i = 0; i < n; i++)
        add_dead_letter(params, dead_letters, items[i]);
    return ch_pg_send(dead_letters->pg, params, NULL, error);
}

static bool source_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error)
{
    return ch_consumer_fetch(dead_letters_of(source)->consumer, (ChDelivery **)items, max, wait_ms,
                             n, error);
}

/* Its row is committed: a crash before this makes a second one, and loses nothing. */
static void settle_unreadable(ChDeadLetters *dead_letters, ChDelivery *delivery)
{
    bool moved = ch_consumer_keeps_rejected(dead_letters->consumer);
    ch_log_error(
        "a dead letter cannot be read", CH_STR("queue", dead_letters->queue),
        CH_STR("left_in", moved ? "its queue of unread letters" : "its dead letter queue"));
    if (moved)
        ch_consumer_reject(dead_letters->consumer, delivery);
    else
        ch_consumer_set_aside(dead_letters->consumer, delivery);
}

static void source_settle(ChSource *source, void *const *items, size_t n)
{
    ChDeadLetters *dead_letters = dead_letters_of(source);
    ChDelivery *last = items[n - 1];
    size_t readable = last->unreadable ? n - 1 : n; /* it is the last of a fetch */
    if (readable > 0)
        ch_consumer_ack(dead_letters->consumer, (ChDelivery *const *)items, readable);
    if (readable < n)
        settle_unreadable(dead_letters, last);
    ch_metric_add(dead_letters->stored, (int64_t)n);
}

/* There is no place behind this one: leave the letter in its queue and say so. */
static bool source_fail(ChSource *source, void *item, const GError *why, GError **error)
{
    (void)source;
    (void)item;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "a dead letter cannot be stored: %s",
                why->message);
    return false;
}

static void source_abandon(ChSource *source, void *item, const GError *why)
{
    (void)why;
    ChDelivery *delivery = item;
    ch_consumer_release(dead_letters_of(source)->consumer, &delivery, 1);
}

static bool source_hold(ChSource *source, void *const *items, size_t n, const GError *why)
{
    (void)items;
    (void)n;
    (void)why;
    ch_consumer_keep_alive(dead_letters_of(source)->consumer);
    return true;
}

static void source_release(ChSource *source, void *const *items, size_t n)
{
    ch_consumer_release(dead_letters_of(source)->consumer, (ChDelivery *const *)items, n);
}

static void source_close(ChSource *source)
{
    ch_consumer_close(dead_letters_of(source)->consumer);
}

static void source_wake(ChSource *source)
{
    ch_consumer_wake(dead_letters_of(source)->consumer);
}

static const ChSourceOps dead_letters_ops = {
    .take = source_take,
    .settle = source_settle,
    .fail = source_fail,
    .abandon = source_abandon,
    .hold = source_hold,
    .release = source_release,
    .close = source_close,
    .wake = source_wake,
};

ChDeadLetters *ch_dead_letters_new(const char *queue, ChPg *pg, ChConsumer *consumer)
{
    ChDeadLetters *dead_letters = g_new0(ChDeadLetters, 1);
    dead_letters->base.ops = &dead_letters_ops;
    dead_letters->queue = queue;
    dead_letters->pg = pg;
    dead_letters->consumer = consumer;
    dead_letters->stored = ch_metric(&stored_total, queue);
    return dead_letters;
}

void ch_dead_letters_free(ChDeadLetters *dead_letters)
{
    g_free(dead_letters);
}

ChSource *ch_dead_letters_source(ChDeadLetters *dead_letters)
{
    return &dead_letters->base;
}
