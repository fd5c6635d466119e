/* The source and the handler of a consumer lane. */
#include "chassis/messaging/subscription.h"

#include "chassis/core/cast.h"
#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/messaging/failure.h"
#include "chassis/messaging/inbox.h"
#include "chassis/messaging/message_span.h"
#include "chassis/messaging/no_event.h"
#include "chassis/messaging/suspect.h"
#include "chassis/postgres/connection.h"
#include "chassis/rabbitmq/settle.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

enum {
    MAX_UNSETTLED_DELIVERIES = CH_SUSPECT_MOST
}; /* of one message: then it may be what kills us */

CH_COUNTER(consumed_total, "cartwheel_messages_consumed_total", "messages received", "queue");
CH_COUNTER(duplicates_total, "cartwheel_messages_duplicate_total",
           "messages whose event had been handled before", "queue");
CH_COUNTER(rejected_total, "cartwheel_messages_rejected_total",
           "messages sent to the dead letter queue unread", "queue");
CH_HISTOGRAM(batch_size, "cartwheel_consumer_batch_size", "messages handled in one batch", "queue",
             CH_BUCKETS_SIZE);
CH_HISTOGRAM(handler_seconds, "cartwheel_consumer_handler_seconds",
             "time the use case took for one batch", "queue", CH_BUCKETS_SECONDS);

/* One message on its way through the lane. */
typedef struct {
    ChDelivery *delivery; /* owned until settled */
    ChEvent *event;       /* NULL: no envelope */
    ChCommand command;    /* none: the data is invalid */
    char *fault;          /* why there is no event or command; else NULL */
    char *unread;         /* why it goes to the dead letter queue unread; else NULL */
} Item;

struct ChSubscription {
    ChSource base;
    ChSubscriptionConfig config;
    ChPg *pg;
    ChConsumer *consumer;
    ChDelivery *suspect; /* came alone and is to be counted first; NULL: none */
    ChMetric *consumed;
    ChMetric *duplicates;
    ChMetric *rejected;
    ChMetric *batch_size;
    ChMetric *handler_seconds;
};

static const ChSourceOps subscription_ops;

static ChSubscription *subscription_of(ChSource *source)
{
    return CH_CAST(ChSubscription, source, &subscription_ops);
}

ChCommand ch_subscription_decode(const ChSubscriptionConfig *config, const ChEvent *event,
                                 char **fault)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChCommand command = { NULL, NULL };
    if (event->type != NULL && strcmp(event->type, config->event_type) != 0)
        ch_violations_add(violations, "EventType", "must be %s", config->event_type);
    else
        command = config->decode(event, violations);
    if (command.value == NULL)
        *fault = ch_violations_text(violations);
    return command;
}

/* ---- items ---- */

static void free_item(Item *item)
{
    ch_command_free(item->command);
    ch_event_free(item->event);
    g_free(item->fault);
    g_free(item->unread);
    g_free(item);
}

/* Why @delivery goes to the dead letter queue unread; NULL when it does not. Free with g_free(). */
static char *unread_because(const ChDelivery *delivery)
{
    if (delivery->unreadable)
        return g_strdup("the AMQP library cannot read its properties");
    if (delivery->body_bytes > CH_EVENT_MAX_BYTES)
        return g_strdup_printf("the body has %zu bytes, more than %d", delivery->body_bytes,
                               CH_EVENT_MAX_BYTES);
    if (delivery->delivery_count >= MAX_UNSETTLED_DELIVERIES)
        return g_strdup_printf("given up unread: it may be what ends this process%s%s",
                               delivery->error != NULL ? "; earlier: " : "",
                               delivery->error != NULL ? delivery->error : "");
    return NULL;
}

static char *goes_unread(ChSubscription *subscription, const ChDelivery *delivery)
{
    char *because = unread_because(delivery);
    if (because == NULL)
        return NULL;
    ch_log_error("message is given up unread", CH_STR("queue", subscription->config.queue->name),
                 CH_STR("because", because), CH_INT("bytes", delivery->body_bytes),
                 CH_INT("unsettled_deliveries", delivery->delivery_count),
                 CH_TRACE(ch_message_trace(delivery)));
    ch_metric_add(subscription->rejected, 1);
    return because;
}

static Item *new_item(ChSubscription *subscription, ChDelivery *delivery)
{
    Item *item = g_new0(Item, 1);
    item->delivery = delivery;
    item->unread = goes_unread(subscription, delivery);
    if (item->unread != NULL)
        return item;
    g_autoptr(GError) why = NULL;
    item->event = ch_event_parse(delivery->body, delivery->body_bytes, delivery->traceparent, &why);
    if (item->event == NULL)
        item->fault = ch_no_event(delivery, why->message);
    else
        item->command = ch_subscription_decode(&subscription->config, item->event, &item->fault);
    return item;
}

/* ---- the source ---- */

/* The count is committed before the message is touched: should it end this process, the next one
 * knows. Until the database takes it, the message waits. */
static bool count_suspect(ChSubscription *subscription, GError **error)
{
    ChPg *pg = subscription->pg;
    ChDelivery *suspect = subscription->suspect;
    int64_t times = 0;
    bool connected = ch_pg_connect(pg, error);
    if (connected)
        ch_pg_begin(pg);
    if (connected &&
        ch_suspect_count(pg, subscription->config.queue->name, suspect, &times, error) &&
        ch_pg_commit(pg, error)) {
        suspect->delivery_count = times;
        return true;
    }
    ch_pg_rollback(pg);
    ch_consumer_keep_alive(subscription->consumer);
    return false;
}

static bool fetch(ChSubscription *subscription, ChDelivery **deliveries, size_t max, int wait_ms,
                  size_t *n, GError **error)
{
    *n = 0;
    if (subscription->suspect == NULL) {
        if (!ch_consumer_fetch(subscription->consumer, deliveries, max, wait_ms, n, error))
            return false;
        if (*n != 1 || !deliveries[0]->suspect)
            return true;
        subscription->suspect = deliveries[0];
        *n = 0;
    }
    if (!count_suspect(subscription, error))
        return false;
    deliveries[(*n)++] = g_steal_pointer(&subscription->suspect);
    return true;
}

static bool source_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error)
{
    ChSubscription *subscription = subscription_of(source);
    ChDelivery **deliveries = (ChDelivery **)items; /* each is replaced by its item */
    if (!fetch(subscription, deliveries, max, wait_ms, n, error))
        return false;
    for (size_t i = 0; i < *n; i++)
        items[i] = new_item(subscription, deliveries[i]);
    ch_metric_add(subscription->consumed, (int64_t)*n);
    return true;
}

/* What cannot be read cannot be sent on either: the broker has to move it, or, where the queue was
 * made without the arguments for that, it stays where it lies. */
static void give_up(ChSubscription *subscription, ChDelivery *delivery, const char *why)
{
    ChConsumer *consumer = subscription->consumer;
    if (!delivery->unreadable) {
        ch_consumer_give_up(consumer, delivery, why);
    } else if (ch_consumer_keeps_rejected(consumer)) {
        ch_consumer_reject(consumer, delivery);
    } else {
        ch_log_error("an unreadable message stays in its queue: nothing dead-letters it there",
                     CH_STR("queue", subscription->config.queue->name));
        ch_consumer_set_aside(consumer, delivery);
    }
}

static ChSpan *source_span(ChSource *source, void *opaque, int64_t start_us)
{
    const Item *item = opaque;
    const char *queue = subscription_of(source)->config.queue->name;
    return item->event == NULL ? NULL
                               : ch_message_process_span(item->event->trace, queue, item->delivery,
                                                         item->fault, start_us);
}

/* They were settled from @start_us (Unix time) until now. */
static void free_settled(const char *queue, void *const *items, size_t n, int64_t start_us)
{
    for (size_t i = 0; i < n; i++) {
        Item *item = items[i];
        if (item->event != NULL)
            ch_message_settle_span(item->event->trace, queue, start_us);
        free_item(item);
    }
}

/* Acknowledges runs of messages, and gives up those that go unread where they stand. */
static void source_settle(ChSource *source, void *const *items, size_t n)
{
    ChSubscription *subscription = subscription_of(source);
    g_autofree ChDelivery **run = g_new(ChDelivery *, n);
    int64_t start_us = ch_time_now_us();
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        Item *item = items[i];
        if (item->unread == NULL)
            run[length++] = item->delivery;
        if (length > 0 && (item->unread != NULL || i == n - 1)) {
            ch_consumer_ack(subscription->consumer, run, length);
            length = 0;
        }
        if (item->unread != NULL)
            give_up(subscription, item->delivery, item->unread);
        CH_FAULT_ON("amid_settle", subscription->config.queue->name);
    }
    free_settled(subscription->config.queue->name, items, n, start_us);
}

static void source_abandon(ChSource *source, void *opaque, const GError *why)
{
    ChSubscription *subscription = subscription_of(source);
    Item *item = opaque;
    ch_metric_add(subscription->rejected, 1);
    give_up(subscription, item->delivery, why->message);
    free_item(item);
}

static bool source_hold(ChSource *source, void *const *items, size_t n, const GError *why)
{
    (void)items;
    (void)n;
    (void)why;
    ch_consumer_keep_alive(subscription_of(source)->consumer);
    return true;
}

static void source_release(ChSource *source, void *const *items, size_t n)
{
    ChSubscription *subscription = subscription_of(source);
    for (size_t i = 0; i < n; i++) {
        Item *item = items[i];
        ch_consumer_release(subscription->consumer, &item->delivery, 1);
        free_item(item);
    }
}

static void source_rest(ChSource *source)
{
    ChSubscription *subscription = subscription_of(source);
    ch_delivery_free(g_steal_pointer(&subscription->suspect)); /* NULL is fine */
    ch_consumer_rest(subscription->consumer);
}

static void source_close(ChSource *source)
{
    ch_consumer_close(subscription_of(source)->consumer);
}

static void source_wake(ChSource *source)
{
    ch_consumer_wake(subscription_of(source)->consumer);
}

/* ---- failures ---- */

static bool fail_item(ChSubscription *subscription, Item *item, const char *why, GError **error)
{
    const ChSubscriptionConfig *config = &subscription->config;
    bool final = item->event == NULL || item->delivery->retry_count >= CH_RETRIES;
    if (!final)
        return ch_failure_retry(subscription->pg, config->queue, item->delivery, why, error);
    bool announced = false;
    if (item->event != NULL && config->give_up != NULL &&
        !config->give_up(config->context, item->event, &announced, error))
        return false;
    bool fresh = true;
    if (announced && !ch_inbox_record(subscription->pg, config->queue->name, &item->event->told_as,
                                      1, &fresh, error))
        return false;
    return ch_failure_dead_letter(subscription->pg, config->queue, item->delivery, why, error);
}

static bool source_fail(ChSource *source, void *opaque, const GError *why, GError **error)
{
    return fail_item(subscription_of(source), opaque, why->message, error);
}

static const ChSourceOps subscription_ops = {
    .take = source_take,
    .settle = source_settle,
    .fail = source_fail,
    .abandon = source_abandon,
    .hold = source_hold,
    .release = source_release,
    .close = source_close,
    .rest = source_rest,
    .wake = source_wake,
    .span = source_span,
};

/* ---- the handler ---- */

/* Records the events of those items that have a command, and picks the commands that are new. */
static bool pick_fresh(ChSubscription *subscription, void *const *items, size_t n,
                       ChCommand *commands, size_t *fresh_n, GError **error)
{
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChCommand *candidates = g_new(ChCommand, n);
    g_autofree bool *fresh = g_new0(bool, n);
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        const Item *item = items[i];
        if (item->command.value == NULL)
            continue;
        ids[known] = item->event->told_as;
        candidates[known++] = item->command;
    }
    *fresh_n = 0;
    if (known == 0)
        return true;
    if (!ch_inbox_record(subscription->pg, subscription->config.queue->name, ids, known, fresh,
                         error))
        return false;
    for (size_t i = 0; i < known; i++) {
        if (fresh[i])
            commands[(*fresh_n)++] = candidates[i];
    }
    ch_metric_add(subscription->duplicates, (int64_t)(known - *fresh_n));
    return true;
}

bool ch_subscription_run(void *context, void *const *items, size_t n, GError **error)
{
    ChSubscription *subscription = context;
    const ChSubscriptionConfig *config = &subscription->config;
    g_autofree ChCommand *commands = g_new(ChCommand, n);
    size_t fresh_n = 0;
    int64_t start_us = ch_time_monotonic_us();
    if (!pick_fresh(subscription, items, n, commands, &fresh_n, error))
        return false;
    CH_FAULT_ON("after_inbox", config->queue->name);
    if (fresh_n > 0 && !config->handle(config->context, commands, fresh_n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        Item *item = items[i];
        if (item->fault != NULL && !fail_item(subscription, item, item->fault, error))
            return false;
    }
    ch_metric_observe(subscription->batch_size, (double)n);
    ch_metric_observe_since(subscription->handler_seconds, start_us);
    return true;
}

/* ---- life ---- */

ChSubscription *ch_subscription_new(const ChSubscriptionConfig *config, ChPg *pg,
                                    ChConsumer *consumer)
{
    g_assert(config->decode != NULL && config->handle != NULL);
    const char *queue = config->queue->name;
    ChSubscription *subscription = g_new0(ChSubscription, 1);
    subscription->base.ops = &subscription_ops;
    subscription->config = *config;
    subscription->pg = pg;
    subscription->consumer = consumer;
    subscription->consumed = ch_metric(&consumed_total, queue);
    subscription->duplicates = ch_metric(&duplicates_total, queue);
    subscription->rejected = ch_metric(&rejected_total, queue);
    subscription->batch_size = ch_metric(&batch_size, queue);
    subscription->handler_seconds = ch_metric(&handler_seconds, queue);
    ch_failure_register(config->queue);
    return subscription;
}

void ch_subscription_free(ChSubscription *subscription)
{
    if (subscription != NULL)
        ch_delivery_free(subscription->suspect);
    g_free(subscription);
}

ChSource *ch_subscription_source(ChSubscription *subscription)
{
    return &subscription->base;
}
