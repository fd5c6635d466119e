/* A subscription: one queue, decoded, handled in batches and once each, and what becomes of
 * messages that cannot be handled.
 *
 *   handled, now or before                 acknowledged
 *   failed, attempts 1 and 2               to <queue>.retry.<attempt>, back after its delay
 *   failed, attempt 3                      to the dead letter queue, with the reason
 *   no envelope at all                     to the dead letter queue at once
 *   too large, unreadable, or deadly       to the dead letter queue unread
 *
 * Retries and dead letters go through the outbox: they commit with the inbox row and the event that
 * tells of the failure, and need no second way to publish. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/messaging/command.h"
#include "chassis/messaging/event.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/consumer.h"

/** A service makes it in one place, beside the functions that it names, from a queue and a context
 * of the right type: `stock_created_subscription(queue, store)`. */
typedef struct {
    const ChQueue *queue;
    const char *event_type; /* what the queue carries; another type fails */
    /* Reads @event's data into a command of the application. None when it is invalid: violations
     * say why. Copies what it keeps. */
    ChCommand (*decode)(const ChEvent *event, ChViolations *violations);
    /* The use case: commands[0..n) are new to this consumer. Errors: as a ChHandler's. */
    bool (*handle)(void *context, const ChCommand *commands, size_t n, GError **error);
    /* Announces, in the open transaction, that @event was given up; *announced when it did, and the
     * event then counts as handled. NULL: nobody has to know. */
    bool (*give_up)(void *context, const ChEvent *event, bool *announced, GError **error);
    /* Why handling commands[0..n) now would have no effect; asked before a dead letter is replayed.
     * blockers[i] is new text, or NULL when handling it would have its effect. Changes nothing,
     * and may be asked on another lane, with that lane's context. NULL: only the inbox knows. */
    bool (*replay_blockers)(void *context, const ChCommand *commands, size_t n, char **blockers,
                            GError **error);
    /* Notes, in the open transaction, that the event which the inbox knows as @id will never have
     * its effect: another one is sent in the place of its dead letter. NULL: nobody has to know. */
    bool (*set_apart)(void *context, ChUuid id, GError **error);
    void *context; /* of all four; belongs to the lane */
} ChSubscriptionConfig;

/** The command of @event as the consumer of @config's queue decodes it; free with
 * ch_command_free(). None when type or data are wrong: *fault says why, free with g_free(). */
ChCommand ch_subscription_decode(const ChSubscriptionConfig *config, const ChEvent *event,
                                 char **fault);

typedef struct ChSubscription ChSubscription;

/** Copies @config; borrows what it points to, and @pg and @consumer, which belong to the lane. */
ChSubscription *ch_subscription_new(const ChSubscriptionConfig *config, ChPg *pg,
                                    ChConsumer *consumer);
void ch_subscription_free(ChSubscription *subscription);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChSubscription, ch_subscription_free)

/** The lane's source; belongs to the subscription. */
ChSource *ch_subscription_source(ChSubscription *subscription);

/** The lane's ChHandler; @subscription is its context. */
bool ch_subscription_run(void *subscription, void *const *items, size_t n, GError **error);
