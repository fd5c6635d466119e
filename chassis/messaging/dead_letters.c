/* From a dead letter queue into the table. */
#include "chassis/messaging/dead_letters.h"

#include "chassis/core/cast.h"
#include "chassis/core/log.h"
#include "chassis/messaging/dead_letter_insert.h"
#include "chassis/messaging/message_span.h"
#include "chassis/rabbitmq/settle.h"
#include "chassis/telemetry/metrics.h"

CH_COUNTER(stored_total, "cartwheel_dead_letters_stored_total",
           "dead letters stored in the table dead_letters", "queue");

enum {
    MAX_TIME_OUTS = 3 /* of one batch: then it goes in halves */
};

struct ChDeadLetters {
    ChSource base;
    const char *queue;
    const char *subject;
    ChPg *pg;
    ChConsumer *consumer;
    int time_outs; /* of this batch in a row */
    ChMetric *stored;
};

static const ChSourceOps dead_letters_ops;

static ChDeadLetters *dead_letters_of(ChSource *source)
{
    return CH_CAST(ChDeadLetters, source, &dead_letters_ops);
}

/* ---- the handler ---- */

static ChDeadLetterOrigin origin_of(const ChDeadLetters *dead_letters)
{
    return (ChDeadLetterOrigin){
        .queue = dead_letters->queue,
        .subject = dead_letters->subject,
        .keeps_rejected = ch_consumer_keeps_rejected(dead_letters->consumer),
    };
}

/* A batch that times out again and again is too much for the server that gave it up, and would be
 * run for ever: halved it fits, or the letter that does not stands alone, and loses its body. */
static void count_time_out(ChDeadLetters *dead_letters, GError **error)
{
    if (!ch_pg_timed_out(dead_letters->pg) || ++dead_letters->time_outs < MAX_TIME_OUTS)
        return;
    dead_letters->time_outs = 0;
    if (error != NULL && *error != NULL)
        (*error)->code = CH_ERROR_FAILED;
}

bool ch_dead_letters_run(void *context, void *const *items, size_t n, GError **error)
{
    ChDeadLetters *dead_letters = context;
    const ChDeadLetterOrigin origin = origin_of(dead_letters);
    if (ch_dead_letter_insert(dead_letters->pg, &origin, (ChDelivery *const *)items, n, error)) {
        dead_letters->time_outs = 0;
        return true;
    }
    count_time_out(dead_letters, error);
    return false;
}

/* ---- the source ---- */

static bool source_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error)
{
    return ch_consumer_fetch(dead_letters_of(source)->consumer, (ChDelivery **)items, max, wait_ms,
                             n, error);
}

/* To the queue of those that cannot be read, or, where rejecting loses it, left where it is. */
static void settle_elsewhere(ChDeadLetters *dead_letters, ChDelivery *delivery, const char *what)
{
    bool moved = ch_consumer_keeps_rejected(dead_letters->consumer);
    ch_log_error(
        what, CH_STR("queue", dead_letters->queue),
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
    /* Its row is committed: a crash before this makes a second one, and loses nothing. */
    if (readable < n)
        settle_elsewhere(dead_letters, last, "a dead letter cannot be read");
    ch_metric_add(dead_letters->stored, (int64_t)n);
}

/* The row is never given up for what stands in it. */
static bool source_fail(ChSource *source, void *item, const GError *why, GError **error)
{
    ChDeadLetters *dead_letters = dead_letters_of(source);
    const ChDeadLetterOrigin origin = origin_of(dead_letters);
    ch_log_error("a dead letter is stored without its body", CH_STR("queue", dead_letters->queue),
                 CH_ERR(why), CH_TRACE(ch_message_trace(item)));
    return ch_dead_letter_insert_bare(dead_letters->pg, &origin, item, why->message, error);
}

/* Not even that row can be: leaves the letter on the broker. Nobody acknowledges over it. */
static void source_abandon(ChSource *source, void *item, const GError *why)
{
    (void)why;
    settle_elsewhere(dead_letters_of(source), item, "a dead letter cannot be stored");
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

ChDeadLetters *ch_dead_letters_new(const char *queue, const char *subject, ChPg *pg,
                                   ChConsumer *consumer)
{
    ChDeadLetters *dead_letters = g_new0(ChDeadLetters, 1);
    dead_letters->base.ops = &dead_letters_ops;
    dead_letters->queue = queue;
    dead_letters->subject = subject;
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
